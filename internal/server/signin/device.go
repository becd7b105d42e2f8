package signin

import (
	"context"
	"crypto/rand"
	"math/big"
	"strings"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

const (
	deviceLife     = 10 * time.Minute
	deviceInterval = 5 // seconds
	// userAlphabet has no vowels and nothing that looks like something else.
	userAlphabet = "BCDFGHJKLMNPQRSTVWXZ"
	userCodeSize = 8
)

var (
	devicesPerIP        = limit{20, 10 * time.Minute}
	wrongCodesPerIP     = limit{10, 10 * time.Minute}
	wrongCodesOfSession = limit{3, 10 * time.Minute}
)

// Device statuses.
const (
	devicePending  = "pending"
	deviceApproved = "approved"
	deviceDenied   = "denied"
)

// DeviceStarted is what a terminal is told that wants to be let in.
type DeviceStarted struct {
	DeviceCode string
	UserCode   string // XXXX-XXXX
	Life       time.Duration
	Interval   int // seconds between two questions
}

// StartDevice lets a terminal wait for a person who types its code somewhere else.
func (s *Service) StartDevice(ctx context.Context, client, scope, label string, from From) (*DeviceStarted, error) {
	if client != CLI {
		return nil, problem("invalid_client", "There is no such client.")
	}
	if err := checkScope(scope); err != nil {
		return nil, err
	}
	code, err := userCode()
	if err != nil {
		return nil, err
	}
	out := &DeviceStarted{DeviceCode: NewSecret(), UserCode: code[:4] + "-" + code[4:], Life: deviceLife, Interval: deviceInterval}
	var refused error
	err = s.write(ctx, func(t *turn) error {
		refused = nil
		if ok, err := t.within("device:ip:"+from.IP, devicesPerIP); err != nil || !ok {
			refused = tooMany(devicesPerIP)
			return err
		}
		return t.AddDevice(&store.Device{
			ID: newID(), DeviceHash: hash(out.DeviceCode), UserCodeHash: hash(code), Client: client, Scope: scope, Status: devicePending, Label: short(label),
			IP: from.IP, Agent: short(from.Agent), Interval: deviceInterval, Created: t.now, Expires: api.At(t.now.Add(deviceLife)),
		})
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

func userCode() (string, error) {
	var b strings.Builder
	for range userCodeSize {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(userAlphabet))))
		if err != nil {
			return "", err
		}
		b.WriteByte(userAlphabet[n.Int64()])
	}
	return b.String(), nil
}

// Waiting is a terminal that waits, as the page shows it to who has typed its code.
type Waiting struct {
	Client, Label, IP, Agent string
	Created                  time.Time
}

// FindDevice finds the terminal that shows a code. Wrong codes are counted.
func (s *Service) FindDevice(ctx context.Context, v *Visitor, code string, from From) (*Waiting, error) {
	if !v.Fresh() {
		return nil, errStale
	}
	var out *Waiting
	var refused error
	err := s.write(ctx, func(t *turn) error {
		d, err := t.typedDevice(v, code, from)
		out, refused = nil, nil
		if CodeOf(err) != "" {
			refused = err
			return nil
		}
		if err == nil {
			out = &Waiting{Client: d.Client, Label: d.Label, IP: d.IP, Agent: d.Agent, Created: d.Created.Time}
		}
		return err
	})
	if err == nil {
		err = refused
	}
	return out, err
}

// typedDevice finds the terminal of a code that a person has typed. A problem leaves the
// transaction whole, so that the count of wrong codes is kept.
func (t *turn) typedDevice(v *Visitor, code string, from From) (*store.Device, error) {
	ofIP, ofSession := "device:wrong:ip:"+from.IP, "device:wrong:session:"+v.Session.String()
	for _, l := range []struct {
		bucket string
		limit
	}{{ofIP, wrongCodesPerIP}, {ofSession, wrongCodesOfSession}} {
		if ok, err := t.room(l.bucket, l.limit); err != nil || !ok {
			if err == nil {
				err = tooMany(l.limit)
			}
			return nil, err
		}
	}
	d, err := none(t.DeviceByUserCode(hash(plainCode(code))))
	if err != nil {
		return nil, err
	}
	if d != nil && d.Status == devicePending && t.now.Before(d.Expires.Time) {
		return d, nil
	}
	for _, bucket := range []string{ofIP, ofSession} {
		if err := t.Throttle(bucket, newID(), t.now); err != nil {
			return nil, err
		}
	}
	if err := t.audit("device", "wrong-code", v.Session, &v.ID, from); err != nil {
		return nil, err
	}
	return nil, problem(CodeGone, "No terminal waits with this code. Look at it again; a code holds for ten minutes.")
}

// plainCode is a code without what people put between.
func plainCode(code string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(userAlphabet, r) {
			return r
		}
		return -1
	}, strings.ToUpper(code))
}

// DecideDevice lets a terminal in, or sends it away.
func (s *Service) DecideDevice(ctx context.Context, v *Visitor, code string, approve bool, from From) error {
	if !v.Fresh() {
		return errStale
	}
	var refused error
	err := s.write(ctx, func(t *turn) error {
		refused = nil
		d, err := t.typedDevice(v, code, from)
		if CodeOf(err) != "" {
			refused = err
			return nil
		}
		if err != nil {
			return err
		}
		status := deviceDenied
		if approve {
			status = deviceApproved
		}
		d.Actor, d.Method, d.Authenticated, d.SSOAccount = &v.ID, v.Credential.Method, v.Credential.Authenticated, v.Credential.SSOAccount
		decided, err := t.Tx.DecideDevice(d, status, t.now)
		if err != nil {
			return err
		}
		if !decided {
			refused = errGone
			return nil
		}
		return t.audit("device", status, d.ID, &v.ID, from, "client", d.Client, "label", d.Label)
	})
	if err == nil {
		err = refused
	}
	return err
}

// PollDevice gives tokens to a terminal that was let in.
func (s *Service) PollDevice(ctx context.Context, code, client string, from From) (*Tokens, error) {
	return s.exchange(ctx, from, "device_code", func(t *turn) (g sign, err error) {
		d, err := none(t.DeviceByCode(hash(code)))
		switch {
		case err != nil:
			return g, err
		case d == nil || d.Client != client:
			return g, problem("invalid_grant", "There is no such device code.")
		case d.Status == deviceDenied:
			return g, errDenied
		case !t.now.Before(d.Expires.Time):
			return g, errExpired
		case d.LastPoll != nil && t.now.Sub(d.LastPoll.Time) < time.Duration(d.Interval)*time.Second-time.Second:
			if err := t.Tx.PollDevice(d.ID, t.now, d.Interval+5); err != nil {
				return g, err
			}
			return g, errSlower
		case d.Status == devicePending:
			if err := t.Tx.PollDevice(d.ID, t.now, d.Interval); err != nil {
				return g, err
			}
			return g, errPending
		}
		taken, err := t.UseDevice(d.ID, t.now)
		if err == nil && !taken {
			err = problem("invalid_grant", "The device code was used.")
		}
		if err != nil {
			return g, err
		}
		return sign{proof: proof{actor: *d.Actor, method: d.Method, at: *d.Authenticated, sso: d.SSOAccount}, client: d.Client, scope: d.Scope, family: newID()}, nil
	})
}
