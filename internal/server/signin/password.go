package signin

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/notify"
	"github.com/usherhq/usher/internal/rules/password"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/store"
)

// factorPassword is kept among the factors of a person, but is a first proof: it lets nobody
// in who shows no second one, and goes with the last of those.
const factorPassword = "password"

const kindPassword = "password"

// methodPassword is how somebody has signed in with one.
const methodPassword = "password"

// What a password costs to try: RFC 9106's second choice. Few are hashed at a time, since
// each takes 64 MiB.
const (
	hashTime    = 3
	hashMemory  = 64 << 10 // KiB
	hashThreads = 4
	hashSize    = 32
	hashSalt    = 16
	hashesMost  = 2
)

// Wrong passwords lock an address for a while that doubles with each, whether somebody has
// the address or not. A link by mail goes around it.
const (
	wrongFree   = 10
	wrongCount  = 24 * time.Hour // how long a wrong one counts
	wrongFirst  = time.Minute
	wrongLocked = 12 * time.Hour // at most
)

var errWrongPassword = &Problem{Code: "access_denied", Text: "The address and the password don't belong together. A link by mail lets you in without one."}

// lockedFor is how long an address is locked after so many wrong passwords.
func lockedFor(wrong int) time.Duration {
	if wrong < wrongFree {
		return 0
	}
	return min(wrongFirst<<min(wrong-wrongFree, 20), wrongLocked)
}

// SignInWithPassword opens half a session for who shows the password of an address: the
// second factor comes next. What it says and how long it takes do not tell whether somebody
// has the address, or a password.
func (s *Service) SignInWithPassword(ctx context.Context, address, text string, from From) (*Opened, error) {
	email, err := Address(address)
	if err != nil {
		return nil, err
	}
	key, err := s.sealer(ctx)
	if err != nil {
		return nil, err
	}
	known, err := s.tryPassword(ctx, email, from)
	if err != nil {
		return nil, err
	}
	right, err := s.isPassword(ctx, key, known, text)
	if err != nil {
		return nil, err
	}
	var opened *Opened
	var refused error
	err = s.write(ctx, func(t *turn) (err error) {
		opened, refused = nil, nil
		var user *uuid.UUID
		if known != nil {
			user = &known.User
		}
		if right {
			right, err = t.stillPassword(known)
		}
		if err != nil {
			return err
		}
		if !right {
			refused = errWrongPassword
			return t.audit(kindPassword, "refused", newID(), user, from)
		}
		if err := t.ForgetTries(wrongBucket(email)); err != nil {
			return err
		}
		opened, err = t.open(proof{actor: known.User, method: methodPassword}, from)
		if CodeOf(err) != "" {
			refused = errWrongPassword
			return t.audit(kindPassword, "refused", newID(), user, from)
		}
		return err
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return nil, err
	}
	return opened, nil
}

func wrongBucket(email string) string { return "password:address:" + hash(email) }

// tryPassword counts a try before it is looked at, so that many at once are counted too, and
// finds the password of an address; nil when there is none.
func (s *Service) tryPassword(ctx context.Context, email string, from From) (known *store.Factor, err error) {
	var refused error
	err = s.write(ctx, func(t *turn) error {
		known, refused = nil, nil
		if ok, err := t.within("redeem:ip:"+from.IP, redeemsPerIP); err != nil || !ok {
			refused = tooMany(redeemsPerIP)
			return err
		}
		wrong, newest, err := t.Throttled(wrongBucket(email), api.At(t.now.Add(-wrongCount)))
		if err != nil {
			return err
		}
		if wait := newest.Add(lockedFor(wrong)).Sub(t.now.Time); wait > 0 {
			refused = &Problem{Code: CodeTooMany, Text: "That were too many wrong passwords for this address. Wait a while, or sign in with a link by mail.", After: wait.Round(time.Second) + time.Second}
			return t.audit(kindPassword, "locked", newID(), nil, from)
		}
		if err := t.Throttle(wrongBucket(email), newID(), t.now); err != nil {
			return err
		}
		user, err := s.people.UserByEmail(t.Tx, email)
		if err != nil || user == nil {
			return err
		}
		known, err = t.password(user.ID)
		return err
	})
	if err == nil {
		err = refused
	}
	return known, err
}

// password is the password of a user, nil without one.
func (t *turn) password(user uuid.UUID) (*store.Factor, error) {
	all, err := t.Tx.Factors(user)
	for i := range all {
		if all[i].Kind == factorPassword {
			return &all[i], err
		}
	}
	return nil, err
}

// stillPassword says that a password is what it was, and that there is a second factor.
func (t *turn) stillPassword(known *store.Factor) (bool, error) {
	now, err := t.password(known.User)
	if err != nil || now == nil || now.Secret != known.Secret {
		return false, err
	}
	if has, err := t.hasSecond(known.User); err != nil || !has {
		return false, err
	}
	return t.UseFactor(now.ID, 0, now.Secret, t.now)
}

// isPassword says that a text is the password; without one it takes as long.
func (s *Service) isPassword(ctx context.Context, key crypt.Named, known *store.Factor, text string) (bool, error) {
	encoded := nobody
	if known != nil {
		opened, err := crypt.Open(key, known.Secret, seedPlace(known.ID))
		if err != nil {
			return false, err
		}
		encoded = string(opened)
	}
	if len(text) > 4*password.Longest {
		text = ""
	}
	var right bool
	err := s.hashing(ctx, func() { right = matches(encoded, norm.NFKC.String(text)) })
	return right && known != nil, err
}

// hashing runs fn when few others hash.
func (s *Service) hashing(ctx context.Context, fn func()) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case s.hashes <- struct{}{}:
	}
	defer func() { <-s.hashes }()
	fn()
	return nil
}

// encoding is the usual form of a hash with all that it takes to compare one.
const encoding = "$argon2id$v=19$m=%d,t=%d,p=%d$"

// nobody is what is compared when there is no password.
var nobody = fmt.Sprintf(encoding, hashMemory, hashTime, hashThreads) + strings.Repeat("A", base64.RawStdEncoding.EncodedLen(hashSalt)) + "$" + strings.Repeat("A", base64.RawStdEncoding.EncodedLen(hashSize))

func encode(text string) string {
	salt := make([]byte, hashSalt)
	rand.Read(salt) //nolint:errcheck // it never fails
	sum := argon2.IDKey([]byte(text), salt, hashTime, hashMemory, hashThreads, hashSize)
	return fmt.Sprintf(encoding, hashMemory, hashTime, hashThreads) + base64.RawStdEncoding.EncodeToString(salt) + "$" + base64.RawStdEncoding.EncodeToString(sum)
}

// matches compares a text with a hash, made with whatever was usual then.
func matches(encoded, text string) bool {
	var memory, passes uint32
	var threads uint8
	n, err := fmt.Sscanf(encoded, encoding, &memory, &passes, &threads)
	parts := strings.Split(encoded, "$")
	if err != nil || n != 3 || len(parts) != 6 {
		return false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false
	}
	return same(base64.RawStdEncoding.EncodeToString(argon2.IDKey([]byte(text), salt, passes, memory, threads, hashSize)), parts[5])
}

// PasswordInfo is what is told of a person's own password.
type PasswordInfo struct {
	Set     *time.Time // nil without one
	Changes string     // why it can't be set or removed now, "" if it can
	Second  bool       // there is a second factor, without which there is no password
}

// Password tells about a person's own password.
func (s *Service) Password(ctx context.Context, v *Visitor) (out PasswordInfo, err error) {
	err = s.read(ctx, func(t *turn) error {
		out = PasswordInfo{}
		known, err := t.password(v.ID)
		if err != nil {
			return err
		}
		if known != nil {
			out.Set = &known.Created.Time
		}
		if out.Second, err = t.hasSecond(v.ID); err != nil {
			return err
		}
		if err = t.mayChangePassword(v); CodeOf(err) != "" {
			out.Changes, err = err.Error(), nil
		}
		return err
	})
	return out, err
}

// mayChangePassword refuses who has not signed in just now, with the second factor and by
// other means than the password: who knows only that one can't make it theirs.
func (t *turn) mayChangePassword(v *Visitor) error {
	if err := t.mayEnrol(v); err != nil {
		return err
	}
	if strings.HasPrefix(v.Credential.Method, methodPassword) {
		return problem(CodeStale, "Sign in with a link by mail to do that.")
	}
	return nil
}

// SetPassword gives a person a password, or another one. It ends all else that they are
// signed in with and tells them by mail.
func (s *Service) SetPassword(ctx context.Context, v *Visitor, text string, from From) error {
	text = norm.NFKC.String(text)
	if wrong := password.Problem(text, s.knownOf(v)...); wrong != "" {
		return problem("invalid_request", wrong)
	}
	if leaked, err := s.options.Breached.Has(text); err != nil || leaked {
		if err == nil {
			err = problem("invalid_request", "That password is in a list of those that were stolen somewhere. Choose another one.")
		}
		return err
	}
	key, err := s.sealer(ctx)
	if err != nil {
		return err
	}
	if err := s.read(ctx, func(t *turn) error { return t.mayChangePassword(v) }); err != nil {
		return err
	}
	var encoded string
	if err := s.hashing(ctx, func() { encoded = encode(text) }); err != nil {
		return err
	}
	f := &store.Factor{ID: newID(), User: v.ID, Kind: factorPassword}
	if f.Secret, err = crypt.Seal(key, []byte(encoded), seedPlace(f.ID)); err != nil {
		return err
	}
	return s.changePassword(ctx, v, "set", from, key, func(t *turn) error {
		has, err := t.hasSecond(v.ID)
		if err != nil {
			return err
		}
		if !has {
			return problem("access_denied", "Set up a second factor first: a password alone lets nobody in.")
		}
		f.Created, f.Confirmed = t.now, &t.now
		return t.AddFactor(f)
	})
}

// RemovePassword takes a person's password away, as SetPassword changes it.
func (s *Service) RemovePassword(ctx context.Context, v *Visitor, from From) error {
	key, err := s.sealer(ctx)
	if err != nil {
		return err
	}
	return s.changePassword(ctx, v, "removed", from, key, func(*turn) error { return nil })
}

// changePassword puts what with adds in place of the password that is there.
func (s *Service) changePassword(ctx context.Context, v *Visitor, action string, from From, key crypt.Named, with func(*turn) error) error {
	err := s.write(ctx, func(t *turn) error {
		if err := t.mayChangePassword(v); err != nil {
			return err
		}
		before, err := t.password(v.ID)
		if err != nil {
			return err
		}
		if before != nil {
			if err := t.DeleteFactor(v.ID, before.ID); err != nil {
				return err
			}
		}
		if err := with(t); err != nil {
			return err
		}
		t.revoked = true
		if _, err := t.RevokeTokensOf(v.ID, v.Family, t.now, "password "+action); err != nil {
			return err
		}
		if err := t.notice(key, v.Email, "Your password at "+s.Host()+" was "+action, strings.Join([]string{
			"The password of " + v.Email + " at " + s.Host() + " was " + action + ", and everything else that you were signed in with was signed out.",
			"From " + from.IP + " on " + t.now.UTC().Format("2 January 2006, 15:04 UTC") + ".",
			"If that was not you, sign in with a link at " + s.options.PublicURL + "/auth/login, change your second factor and tell who runs this server.",
		}, "\n\n")); err != nil {
			return err
		}
		return t.audit(kindPassword, action, v.ID, &v.ID, from)
	})
	if err == nil {
		s.posted()
	}
	return err
}

// noticeLife is how long a mail is tried to be delivered that only tells something.
const noticeLife = 24 * time.Hour

// notice lets a mail go out that only tells something.
func (t *turn) notice(key crypt.Named, to, subject, text string) error {
	id := newID()
	m, err := sealLetter(key, store.WaitingMail{ID: id, Due: t.now, Expires: api.At(t.now.Add(noticeLife))}, notify.Letter{To: to, Subject: subject, Text: text + "\n"})
	if err != nil {
		return err
	}
	return t.AddMail(m, t.now)
}

// knownOf are words that others know of a person and of the server.
func (s *Service) knownOf(v *Visitor) []string {
	local, _, _ := strings.Cut(v.Email, "@")
	words := append([]string{v.Email, local, v.Handle, "usher"}, strings.FieldsFunc(local+" "+v.Name(), func(r rune) bool { return strings.ContainsRune(" .-_+", r) })...)
	host, _, err := net.SplitHostPort(s.Host())
	if err != nil {
		host = s.Host()
	}
	if u, err := url.Parse(s.options.PublicURL); err == nil {
		host = u.Hostname()
	}
	for _, name := range []string{host, identity.DomainOf(v.Email)} {
		words = append(append(words, name), strings.Split(name, ".")...)
	}
	return words
}
