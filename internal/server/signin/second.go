package signin

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6238 and every authenticator app
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/store"
)

// Kinds of second factors.
const (
	factorApp     = "totp"
	factorPasskey = "passkey"
)

// kindHalf is the session of a browser whose person still has to show the second factor. It
// is good for nothing else.
const kindHalf = "half"

const (
	halfLife      = 10 * time.Minute
	challengeLife = 5 * time.Minute
	recoveryCodes = 10
	factorsMost   = 10
)

// secondsPerUser locks a person's second factor for a while after wrong ones, from wherever
// they come; secondsPerHalf ends a sign-in with too many of them.
var (
	secondsPerUser = limit{10, 15 * time.Minute}
	secondsPerHalf = limit{5, halfLife}
)

// A code of an authenticator app holds for a step of time and one before and after it.
const (
	stepSeconds = 30
	stepsAround = 1
	seedSize    = 20
)

// codeAt is the code of a seed at a step of time: RFC 6238 with the defaults that every
// authenticator app knows.
func codeAt(seed []byte, step int64) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step)) //nolint:gosec // time is after 1970
	mac := hmac.New(sha1.New, seed)
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:at+4])&0x7fffffff%1_000_000)
}

// stepOf finds the step of time around now whose code is given; 0 when there is none.
func stepOf(seed []byte, code string, now time.Time) (found int64) {
	for step := now.Unix()/stepSeconds - stepsAround; step <= now.Unix()/stepSeconds+stepsAround; step++ {
		if same(codeAt(seed, step), code) {
			found = step
		}
	}
	return found
}

// seedPlace is where the seed of a factor belongs.
func seedPlace(factor uuid.UUID) crypt.Place {
	return crypt.Place{Table: "auth_factor", Row: factor, Column: "secret"}
}

// sealer is the key that seals seeds.
func (s *Service) sealer(ctx context.Context) (crypt.Named, error) {
	if s.options.Key == nil {
		return crypt.Named{}, errors.New("this server has no key to seal seeds with")
	}
	key, err := s.options.Key(ctx)
	return crypt.Named{Name: "signin", Key: key}, err
}

// FactorInfo is a second factor of a person.
type FactorInfo struct {
	ID       uuid.UUID
	Passkey  bool // else an authenticator app
	Name     string
	Created  time.Time
	LastUsed *time.Time
}

// Factors lists the second factors of a person, and how many recovery codes are left.
func (s *Service) Factors(ctx context.Context, v *Visitor) (list []FactorInfo, codes int, err error) {
	err = s.read(ctx, func(t *turn) error {
		list = nil
		all, err := t.confirmed(v.ID)
		for _, f := range all {
			line := FactorInfo{ID: f.ID, Passkey: f.Kind == factorPasskey, Name: f.Name, Created: f.Created.Time}
			if f.LastUsed != nil {
				line.LastUsed = &f.LastUsed.Time
			}
			list = append(list, line)
		}
		if err == nil {
			codes, err = t.RecoveryLeft(v.ID)
		}
		return err
	})
	return list, codes, err
}

// confirmed lists the second factors of a user that count.
func (t *turn) confirmed(user uuid.UUID) ([]store.Factor, error) {
	all, err := t.Tx.Factors(user)
	return slices.DeleteFunc(all, func(f store.Factor) bool { return f.Confirmed == nil || f.Kind == factorPassword }), err
}

// hasSecond says that a user must show a second factor.
func (t *turn) hasSecond(user uuid.UUID) (bool, error) {
	list, err := t.confirmed(user)
	return len(list) > 0, err
}

// mayEnrol refuses who has not signed in just now, with the second factor if there is one.
func (t *turn) mayEnrol(v *Visitor) error {
	if !v.Fresh() {
		return errStale
	}
	has, err := t.hasSecond(v.ID)
	if err == nil && has && !v.Credential.MFA {
		err = &Problem{Code: CodeStale, Text: "Sign in with your second factor to do that."}
	}
	return err
}

// AppSeed is what an authenticator app is set up with.
type AppSeed struct {
	Factor uuid.UUID
	Seed   string // for typing
	URI    string // for scanning
}

// AddApp begins to set up an authenticator app. It counts once ConfirmApp has seen a code of
// it.
func (s *Service) AddApp(ctx context.Context, v *Visitor, name string) (*AppSeed, error) {
	name, err := factorName(name, "Authenticator app")
	if err != nil {
		return nil, err
	}
	key, err := s.sealer(ctx)
	if err != nil {
		return nil, err
	}
	seed, id := make([]byte, seedSize), newID()
	rand.Read(seed) //nolint:errcheck // it never fails
	sealed, err := crypt.Seal(key, seed, seedPlace(id))
	if err != nil {
		return nil, err
	}
	err = s.write(ctx, func(t *turn) error {
		if err := t.mayEnrol(v); err != nil {
			return err
		}
		all, err := t.Tx.Factors(v.ID)
		if err != nil {
			return err
		}
		for _, f := range all { // one that was begun and left
			if f.Confirmed == nil {
				if err := t.DeleteFactor(v.ID, f.ID); err != nil {
					return err
				}
			}
		}
		if len(all) >= factorsMost {
			return problem("invalid_request", "You have enough of them: remove one first.")
		}
		return t.AddFactor(&store.Factor{ID: id, User: v.ID, Kind: factorApp, Name: name, Secret: sealed, Created: t.now})
	})
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed)
	label := url.PathEscape(s.Host() + ":" + v.Email)
	return &AppSeed{id, text, "otpauth://totp/" + label + "?" + url.Values{"secret": {text}, "issuer": {"usher " + s.Host()}}.Encode()}, err
}

func factorName(name, otherwise string) (string, error) {
	name = strings.TrimSpace(short(name))
	if len(name) > 100 {
		return "", problem("invalid_request", "Give it a name of at most 100 characters.")
	}
	if name == "" {
		name = otherwise
	}
	return name, nil
}

// Enrolled is what becomes of who has just set up a second factor.
type Enrolled struct {
	*Opened          // the session goes on as one with a second factor, with a secret of its own
	Codes   []string // for recovery, when there were none; nothing shows them again
}

var errWrongSecond = &Problem{Code: "access_denied", Text: "That is not the code. Codes hold for half a minute and work once: wait for the next one and type that."}

// ConfirmApp lets an authenticator app count that shows the right code.
func (s *Service) ConfirmApp(ctx context.Context, v *Visitor, factor uuid.UUID, code string, from From) (*Enrolled, error) {
	key, err := s.sealer(ctx)
	if err != nil {
		return nil, err
	}
	return s.enrol(ctx, v, from, func(t *turn) (*store.Factor, error) {
		all, err := t.Tx.Factors(v.ID)
		if err != nil {
			return nil, err
		}
		for i := range all {
			f := &all[i]
			if f.ID != factor || f.Kind != factorApp || f.Confirmed != nil {
				continue
			}
			ok, err := t.showApp(key, f, code)
			if err == nil && !ok {
				err = errWrongSecond
			}
			return f, err
		}
		return nil, errGone
	})
}

// showApp says whether a code is one of an authenticator app, and uses it up.
func (t *turn) showApp(key crypt.Named, f *store.Factor, code string) (bool, error) {
	seed, err := crypt.Open(key, f.Secret, seedPlace(f.ID))
	if err != nil {
		return false, err
	}
	step := stepOf(seed, digitsOf(code), t.now.Time)
	if step == 0 {
		return false, nil
	}
	return t.UseFactor(f.ID, step, f.Secret, t.now)
}

func digitsOf(code string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, code)
}

// enrol lets a factor count that add has seen.
func (s *Service) enrol(ctx context.Context, v *Visitor, from From, add func(*turn) (*store.Factor, error)) (*Enrolled, error) {
	out := &Enrolled{}
	var refused error
	err := s.write(ctx, func(t *turn) error {
		out.Opened, out.Codes, refused = nil, nil, nil
		if err := t.mayEnrol(v); err != nil {
			return err
		}
		if ok, err := t.within("second:user:"+v.ID.String(), secondsPerUser); err != nil || !ok {
			refused = tooMany(secondsPerUser)
			return err
		}
		f, err := add(t)
		if CodeOf(err) != "" {
			refused = err // the try counts
			return nil
		}
		if err != nil {
			return err
		}
		if err := t.audit("second-factor", "created", f.ID, &v.ID, from, "kind", f.Kind, "name", f.Name); err != nil {
			return err
		}
		left, err := t.RecoveryLeft(v.ID)
		if err != nil {
			return err
		}
		if left == 0 {
			if out.Codes, err = t.newRecovery(v.ID); err != nil {
				return err
			}
		}
		if err := t.revoke(v.Family, "second factor"); err != nil {
			return err
		}
		out.Opened, err = t.open(proof{actor: v.ID, method: strings.TrimSuffix(v.Credential.Method, methodSecond) + methodSecond, sso: v.Credential.SSOAccount}, from)
		return err
	})
	if err == nil {
		err = refused
	}
	return out, err
}

// newRecovery makes recovery codes in place of those that a user has.
func (t *turn) newRecovery(user uuid.UUID) (codes []string, err error) {
	var hashes []string
	for range recoveryCodes {
		b := make([]byte, 10) // 80 bits
		rand.Read(b)          //nolint:errcheck // it never fails
		text := strings.ToLower(base32.StdEncoding.EncodeToString(b))
		codes = append(codes, text[:4]+"-"+text[4:8]+"-"+text[8:12]+"-"+text[12:])
		hashes = append(hashes, recoveryHash(user, text))
	}
	return codes, t.SetRecovery(user, hashes, t.now)
}

func recoveryHash(user uuid.UUID, code string) string {
	return hash("recovery " + user.String() + " " + strings.ToLower(digitsOf(code)))
}

// NewRecovery makes recovery codes in place of those that a person has.
func (s *Service) NewRecovery(ctx context.Context, v *Visitor, from From) (codes []string, err error) {
	err = s.write(ctx, func(t *turn) error {
		if err := t.mayEnrol(v); err != nil {
			return err
		}
		if codes, err = t.newRecovery(v.ID); err != nil {
			return err
		}
		return t.audit("second-factor", "recovery-renewed", v.ID, &v.ID, from)
	})
	return codes, err
}

// RemoveFactor takes a second factor of a person away. With the last one go the recovery
// codes, and no session counts any more as one with a second factor.
func (s *Service) RemoveFactor(ctx context.Context, v *Visitor, factor uuid.UUID, from From) error {
	return s.write(ctx, func(t *turn) error {
		if err := t.mayEnrol(v); err != nil {
			return err
		}
		if err := t.DeleteFactor(v.ID, factor); err != nil {
			if errors.Is(err, store.ErrNoRows) {
				err = errGone
			}
			return err
		}
		has, err := t.hasSecond(v.ID)
		if err != nil {
			return err
		}
		if !has {
			t.revoked = true
			if _, err := t.DeleteFactors(v.ID); err != nil {
				return err
			}
			if err := t.DropSecondFactor(v.ID, methodSecond); err != nil {
				return err
			}
		}
		return t.audit("second-factor", "deleted", factor, &v.ID, from)
	})
}

// Half is who has shown the first proof and not the second.
type Half struct {
	Email        string
	App, Passkey bool // what they can show, besides a recovery code
}

// Half finds who has to show a second factor in a browser with a cookie; nil for nobody.
func (s *Service) Half(ctx context.Context, cookie string) (out *Half, err error) {
	err = s.read(ctx, func(t *turn) error {
		out = nil
		token, err := t.half(cookie)
		if err != nil || token == nil {
			return err
		}
		user, err := t.User(token.Actor)
		if err != nil {
			return err
		}
		list, err := t.confirmed(token.Actor)
		out = &Half{Email: user.Email}
		for _, f := range list {
			out.App, out.Passkey = out.App || f.Kind == factorApp, out.Passkey || f.Kind == factorPasskey
		}
		return err
	})
	return out, err
}

func (t *turn) half(cookie string) (*store.Token, error) {
	if len(cookie) != SecretSize {
		return nil, nil
	}
	token, err := none(t.TokenByHash(hash(cookie)))
	if err != nil || !t.isLive(token, kindHalf) {
		return nil, err
	}
	return token, nil
}

// Second is what a person shows as the second factor: one of these.
type Second struct {
	Code    string // of an authenticator app, or for recovery
	Passkey []byte // what a passkey has signed
}

// ShowSecond opens the session of a browser whose person shows the second factor.
func (s *Service) ShowSecond(ctx context.Context, cookie string, second Second, from From) (*Opened, error) {
	key, err := s.sealer(ctx)
	if err != nil {
		return nil, err
	}
	var opened *Opened
	var refused error
	err = s.write(ctx, func(t *turn) error {
		opened, refused = nil, nil
		token, err := t.half(cookie)
		if err != nil {
			return err
		}
		if token == nil {
			refused = &Problem{Code: CodeStale, Text: "This sign-in is over. Begin again."}
			return nil
		}
		used, err := t.showSecond(key, token, second)
		if err == nil {
			if err := t.revoke(token.Family, "second factor shown"); err != nil {
				return err
			}
			if err := t.audit("second-factor", "used", token.ID, &token.Actor, from, "kind", used); err != nil {
				return err
			}
			opened, err = t.open(proof{actor: token.Actor, method: token.Method + methodSecond, sso: token.SSOAccount}, from)
			if CodeOf(err) == "" {
				return err
			}
		}
		if CodeOf(err) == "" {
			return err
		}
		refused = err
		return t.audit("second-factor", "refused", token.ID, &token.Actor, from, "reason", CodeOf(err))
	})
	if err == nil {
		err = refused
	}
	return opened, err
}

// showSecond says which kind of factor was shown rightly.
func (t *turn) showSecond(key crypt.Named, token *store.Token, second Second) (kind string, err error) {
	for _, b := range []struct {
		bucket string
		limit
	}{{"second:half:" + token.ID.String(), secondsPerHalf}, {"second:user:" + token.Actor.String(), secondsPerUser}} {
		ok, err := t.within(b.bucket, b.limit)
		if err != nil {
			return "", err
		}
		if !ok {
			if err := t.revoke(token.Family, "too many wrong codes"); err != nil {
				return "", err
			}
			return "", &Problem{Code: CodeTooMany, Text: "That were too many wrong codes. Wait a quarter of an hour and sign in again.", After: b.span}
		}
	}
	list, err := t.confirmed(token.Actor)
	if err != nil {
		return "", err
	}
	if second.Passkey != nil {
		return factorPasskey, t.showPasskey(token.Actor, list, second.Passkey)
	}
	for i := range list {
		if list[i].Kind != factorApp {
			continue
		}
		if ok, err := t.showApp(key, &list[i], second.Code); err != nil || ok {
			return factorApp, err
		}
	}
	ok, err := t.UseRecovery(token.Actor, recoveryHash(token.Actor, second.Code), t.now)
	if err == nil && !ok {
		err = errWrongSecond
	}
	return "recovery", err
}

// Passkeys says whether people can have passkeys here: those belong to a name, not to the
// number of a machine.
func (s *Service) Passkeys() bool {
	u, err := url.Parse(s.options.PublicURL)
	return err == nil && net.ParseIP(u.Hostname()) == nil
}

// keyOwner is a user as the library of passkeys sees one.
type keyOwner struct {
	id          uuid.UUID
	email, name string
	keys        []webauthn.Credential
}

func (o *keyOwner) WebAuthnID() []byte                         { return o.id[:] }
func (o *keyOwner) WebAuthnName() string                       { return o.email }
func (o *keyOwner) WebAuthnDisplayName() string                { return o.name }
func (o *keyOwner) WebAuthnCredentials() []webauthn.Credential { return o.keys }

func (t *turn) keyOwner(user uuid.UUID, list []store.Factor) (*keyOwner, error) {
	u, err := t.User(user)
	if err != nil {
		return nil, err
	}
	o := &keyOwner{id: user, email: u.Email, name: u.Email}
	for _, f := range list {
		if f.Kind != factorPasskey {
			continue
		}
		var c webauthn.Credential
		if err := json.Unmarshal([]byte(f.Secret), &c); err != nil {
			return nil, err
		}
		o.keys = append(o.keys, c)
	}
	return o, nil
}

func (s *Service) relyingParty() (*webauthn.WebAuthn, error) {
	u, err := url.Parse(s.options.PublicURL)
	if err != nil {
		return nil, err
	}
	if !s.Passkeys() {
		return nil, problem("invalid_request", "Passkeys need this server to be reached by a name.")
	}
	return webauthn.New(&webauthn.Config{RPID: u.Hostname(), RPDisplayName: "usher", RPOrigins: []string{s.options.PublicURL}})
}

// What a browser is asked to sign a challenge for.
const (
	purposeEnrol = "enrol"
	purposeShow  = "show"
)

// keep writes down what a browser was asked, by the challenge that its answer names.
func (t *turn) keep(user uuid.UUID, purpose string, session *webauthn.SessionData) error {
	text, err := json.Marshal(session)
	if err != nil {
		return err
	}
	return t.AddChallenge(hash(session.Challenge), user, purpose, string(text), api.At(t.now.Add(challengeLife)))
}

// asked takes what a browser was asked, once.
func (t *turn) asked(user uuid.UUID, purpose, challenge string) (*webauthn.SessionData, error) {
	text, err := t.UseChallenge(hash(challenge), user, purpose, t.now)
	if errors.Is(err, store.ErrNoRows) {
		return nil, errWrongPasskey
	}
	if err != nil {
		return nil, err
	}
	session := &webauthn.SessionData{}
	return session, json.Unmarshal([]byte(text), session)
}

var errWrongPasskey = &Problem{Code: "access_denied", Text: "The passkey was not taken: it is not one of yours, or it took too long. Try again."}

// AskForNewPasskey says, in the JSON of WebAuthn, what a browser makes a passkey with.
func (s *Service) AskForNewPasskey(ctx context.Context, v *Visitor) (options any, err error) {
	rp, err := s.relyingParty()
	if err != nil {
		return nil, err
	}
	err = s.write(ctx, func(t *turn) error {
		if err := t.mayEnrol(v); err != nil {
			return err
		}
		list, err := t.confirmed(v.ID)
		if err != nil {
			return err
		}
		if len(list) >= factorsMost {
			return problem("invalid_request", "You have enough of them: remove one first.")
		}
		owner, err := t.keyOwner(v.ID, list)
		if err != nil {
			return err
		}
		exclude := make([]protocol.CredentialDescriptor, 0, len(owner.keys))
		for i := range owner.keys {
			exclude = append(exclude, owner.keys[i].Descriptor())
		}
		made, session, err := rp.BeginRegistration(owner, webauthn.WithExclusions(exclude))
		if err != nil {
			return err
		}
		options = made
		return t.keep(v.ID, purposeEnrol, session)
	})
	return options, err
}

// AddPasskey keeps a passkey that a browser has made.
func (s *Service) AddPasskey(ctx context.Context, v *Visitor, name string, answer []byte, from From) (*Enrolled, error) {
	name, err := factorName(name, "Passkey")
	if err != nil {
		return nil, err
	}
	rp, err := s.relyingParty()
	if err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return nil, errWrongPasskey
	}
	return s.enrol(ctx, v, from, func(t *turn) (*store.Factor, error) {
		session, err := t.asked(v.ID, purposeEnrol, parsed.Response.CollectedClientData.Challenge)
		if err != nil {
			return nil, err
		}
		owner, err := t.keyOwner(v.ID, nil)
		if err != nil {
			return nil, err
		}
		made, err := rp.CreateCredential(owner, *session, parsed)
		if err != nil {
			s.log.WarnContext(ctx, "a passkey was refused", "error", err)
			return nil, errWrongPasskey
		}
		text, err := json.Marshal(made)
		if err != nil {
			return nil, err
		}
		id := hash(string(made.ID))
		f := &store.Factor{ID: newID(), User: v.ID, Kind: factorPasskey, Name: name, Secret: string(text), Credential: &id, Created: t.now, Confirmed: &t.now}
		if err := t.AddFactor(f); err != nil {
			if errors.Is(err, store.ErrConflict) {
				err = errWrongPasskey
			}
			return nil, err
		}
		return f, nil
	})
}

// AskForPasskey says, in the JSON of WebAuthn, what a browser signs with a passkey of who has
// to show a second factor.
func (s *Service) AskForPasskey(ctx context.Context, cookie string) (options any, err error) {
	rp, err := s.relyingParty()
	if err != nil {
		return nil, err
	}
	err = s.write(ctx, func(t *turn) error {
		token, err := t.half(cookie)
		if err == nil && token == nil {
			err = &Problem{Code: CodeStale, Text: "This sign-in is over. Begin again."}
		}
		if err != nil {
			return err
		}
		list, err := t.confirmed(token.Actor)
		if err != nil {
			return err
		}
		owner, err := t.keyOwner(token.Actor, list)
		if err != nil {
			return err
		}
		if len(owner.keys) == 0 {
			return errWrongPasskey
		}
		made, session, err := rp.BeginLogin(owner)
		if err != nil {
			return err
		}
		options = made
		return t.keep(token.Actor, purposeShow, session)
	})
	return options, err
}

// showPasskey refuses what no passkey of a user has signed.
func (t *turn) showPasskey(user uuid.UUID, list []store.Factor, answer []byte) error {
	rp, err := t.s.relyingParty()
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return errWrongPasskey
	}
	session, err := t.asked(user, purposeShow, parsed.Response.CollectedClientData.Challenge)
	if err != nil {
		return err
	}
	owner, err := t.keyOwner(user, list)
	if err != nil {
		return err
	}
	used, err := rp.ValidateLogin(owner, *session, parsed)
	if err != nil || used.Authenticator.CloneWarning {
		t.s.log.Warn("a passkey was refused", "error", err, "cloned", err == nil)
		return errWrongPasskey
	}
	text, err := json.Marshal(used)
	if err != nil {
		return err
	}
	id := hash(string(used.ID))
	for i := range list {
		if list[i].Credential != nil && *list[i].Credential == id {
			_, err = t.UseFactor(list[i].ID, 0, string(text), t.now)
			return err
		}
	}
	return errWrongPasskey
}
