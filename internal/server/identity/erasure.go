package identity

import (
	"context"
	"crypto/sha256"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// redactedEvent is the entry of an audit log that says what became of others.
const redactedEvent = "prefect-cloud.audit-entry.redacted"

// ErasePerson removes a user with all that lets them in, and puts a label where they are
// named: on what they have made, and in the audit logs, whose chains stay verifiable since a
// new entry vouches for what is left of the old ones. What flows have written of somebody, it
// can't know. An account's only owner is refused.
func (s *Service) ErasePerson(ctx context.Context, by By, user uuid.UUID) (*api.PersonErased, error) {
	u, err := read(ctx, s, func(tx *store.Tx) (*store.User, error) {
		u, err := tx.User(user)
		if err != nil {
			return nil, missing("User", err)
		}
		return u, onlyOwner(tx, user)
	})
	if err != nil {
		return nil, err
	}
	p := personOf(u)
	// First what is in workspaces: should it end half-way, the user is still there to be
	// erased again.
	err = s.eachWorkspace(ctx, s.store.Write, func(tx *store.Tx, _ uuid.UUID) error {
		if err := tx.DeletePinsOf(user); err != nil {
			return err
		}
		return tx.ForgetMaker(user, store.ActorUser, p.label)
	})
	if err != nil {
		return nil, err
	}
	out := &api.PersonErased{ID: user, Label: p.label}
	err = s.Change(ctx, func(tx *store.Tx) (err error) {
		if err := tx.DeleteImage(store.UserImage, user); err != nil {
			return err
		}
		out.Entries, err = s.erase(tx, by, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// onlyOwner refuses who is the only owner of an account.
func onlyOwner(tx *store.Tx, user uuid.UUID) error {
	memberships, err := tx.MembershipsOf(user)
	for i := 0; i < len(memberships) && err == nil; i++ {
		err = keepsOwnerWithout(tx, memberships[i].AccountID, user)
	}
	return err
}

func (s *Service) erase(tx *store.Tx, by By, p *person) (entries int, err error) {
	if err := onlyOwner(tx, p.user.ID); err != nil { // again: others may have left meanwhile
		return 0, err
	}
	memberships, err := tx.MembershipsOf(p.user.ID)
	if err != nil {
		return 0, err
	}
	accounts := map[uuid.UUID]map[int64]string{}
	for i := range memberships {
		accounts[memberships[i].AccountID] = map[int64]string{}
		if err := tx.DeleteMembership(&memberships[i]); err != nil {
			return 0, err
		}
	}
	if err := tx.ForgetAddress(p.user.ID, p.user.Email, p.user.EmailNorm); err != nil {
		return 0, err
	}
	if err := p.leaveReviews(tx); err != nil {
		return 0, err
	}
	if err := tx.DeleteUser(p.user.ID); err != nil {
		return 0, missing("User", err)
	}
	err = eachAudit(tx, func(e *store.AuditEntry) error {
		text, changed, err := p.redact(e)
		if err != nil || !changed {
			return err
		}
		if accounts[e.AccountID] == nil {
			accounts[e.AccountID] = map[int64]string{}
		}
		accounts[e.AccountID][e.Seq] = text
		entries++
		return nil
	})
	for account, texts := range accounts {
		if err == nil {
			err = s.vouch(tx, by, account, p, texts)
		}
	}
	return entries, err
}

// leaveReviews puts the label on what reviews of access have of the person.
func (p *person) leaveReviews(tx *store.Tx) error {
	list, err := tx.AccessReviewsOf(p.user.ID)
	for i := 0; i < len(list) && err == nil; i++ {
		var items []api.AccessReviewItem
		if err := json.Unmarshal([]byte(list[i].Items), &items); err != nil {
			return err
		}
		for j := range items {
			if item := &items[j]; item.ActorID == p.user.ID {
				item.Who, item.LastUsed = p.label, nil
				if item.Kind == "key" {
					item.What = p.label
				}
			}
		}
		text, failed := json.Marshal(items)
		if failed != nil {
			return failed
		}
		list[i].Items = string(text)
		err = tx.SetAccessReviewItems(&list[i])
	}
	return err
}

// vouch writes down in an account's log that somebody was erased, with the hash of what is
// left of each entry, and puts that there.
func (s *Service) vouch(tx *store.Tx, by By, account uuid.UUID, p *person, texts map[int64]string) error {
	hashes := map[string]string{}
	for seq, text := range texts {
		hashes[strconv.FormatInt(seq, 10)] = remains(text)
	}
	if by.Actor != nil && by.Actor.ID == p.user.ID { // who erases themselves is not named again
		by = By{RequestID: by.RequestID}
	}
	err := s.Audit(tx, by, Entry{
		Account: account, Type: "audit-entry", Action: "redacted", ID: p.user.ID, Name: p.label, Actor: &p.user.ID, Details: map[string]any{"entries": hashes},
	})
	if err != nil {
		return err
	}
	seq, _, err := tx.AuditEnd(account)
	for old, text := range texts {
		if err == nil {
			err = tx.RedactAudit(account, old, text, seq)
		}
	}
	return err
}

// remains is the hash of what is left of an entry.
func remains(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hexOf(sum[:])
}

// vouched reads for which entries an entry vouches.
func vouched(e *store.AuditEntry) map[int64]string {
	if e.Event != redactedEvent {
		return nil
	}
	var told struct {
		Payload struct {
			Entries map[string]string `json:"entries"`
		} `json:"payload"`
	}
	if json.Unmarshal([]byte(e.Entry), &told) != nil {
		return nil
	}
	out := map[int64]string{}
	for number, hash := range told.Payload.Entries {
		if seq, err := strconv.ParseInt(number, 10, 64); err == nil {
			out[seq] = hash
		}
	}
	return out
}

// person is somebody as texts name them.
type person struct {
	user  *store.User
	label string
	names []string // the longest first
	// within finds a name in a text, in whatever case.
	within map[string]*regexp.Regexp
}

func personOf(u *store.User) *person {
	id := u.ID.String()
	p := &person{user: u, label: "deleted-user-" + id[len(id)-8:], within: map[string]*regexp.Regexp{}}
	for _, name := range []string{u.Email, u.EmailNorm, u.Handle, strings.TrimSpace(u.FirstName + " " + u.LastName), u.FirstName, u.LastName} {
		if name != "" {
			p.names = append(p.names, name)
			p.within[name] = regexp.MustCompile("(?i)" + regexp.QuoteMeta(name))
		}
	}
	slices.SortFunc(p.names, func(a, b string) int { return len(b) - len(a) })
	return p
}

// hasAddress says that a text has the person's address in it.
func (p *person) hasAddress(text string) bool {
	lower := strings.ToLower(text)
	return strings.Contains(lower, p.user.EmailNorm) || strings.Contains(lower, strings.ToLower(p.user.Email))
}

// isNamed says that an entry is by or about the person.
func (p *person) isNamed(e *store.AuditEntry) bool {
	return e.ActorID != nil && *e.ActorID == p.user.ID || strings.Contains(e.Entry, p.user.ID.String()) || p.hasAddress(e.Entry)
}

// redact puts the label where an entry names the person. Where they were is blanked in what
// they did themselves, or did while nobody knew yet who they are. Ids stay.
func (p *person) redact(e *store.AuditEntry) (text string, changed bool, err error) {
	if !p.isNamed(e) {
		return "", false, nil
	}
	var event map[string]any
	if err := json.Unmarshal([]byte(e.Entry), &event); err != nil {
		return "", false, err
	}
	if payload, ok := event["payload"].(map[string]any); ok && (e.ActorID == nil || *e.ActorID == p.user.ID) {
		payload["ip"], payload["user_agent"] = "", ""
	}
	out, err := json.Marshal(p.blank(event), json.Deterministic(true))
	return string(out), err == nil && string(out) != e.Entry, err
}

// told are the members of an event that say what happened to what; they name nobody but by
// id.
var told = []string{"id", "event", "occurred", "received", "prefect.resource.id", "prefect.resource.role"}

// blank puts the label into the texts within a value.
func (p *person) blank(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			if !slices.Contains(told, k) {
				v[k] = p.blank(v[k])
			}
		}
	case []any:
		for i := range v {
			v[i] = p.blank(v[i])
		}
	case string:
		return p.without(v)
	}
	return v
}

// shortName is how long a name must be to be looked for within longer texts.
const shortName = 4

// without is a text without the person's names.
func (p *person) without(text string) string {
	for _, name := range p.names {
		if strings.EqualFold(text, name) {
			return p.label
		}
		if len(name) >= shortName {
			text = p.within[name].ReplaceAllLiteralString(text, p.label)
		}
	}
	return text
}
