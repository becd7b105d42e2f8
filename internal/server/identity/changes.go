package identity

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/store"
)

// changeHours is how long a change waits unless the account says otherwise.
const changeHours = 72

// mostWaiting bounds the changes that wait in an account.
const mostWaiting = 100

// ChangeControl says whether changes of who may use an account wait for a second person.
func (s *Service) ChangeControl(ctx context.Context, account uuid.UUID) (*api.ChangeControl, error) {
	return read(ctx, s, func(tx *store.Tx) (*api.ChangeControl, error) {
		hours, err := tx.ChangeControl(account)
		return &api.ChangeControl{Required: hours > 0, Hours: api.Some(hours)}, err
	})
}

// SetChangeControl makes them wait or not. Where nobody else could approve, it is refused.
func (s *Service) SetChangeControl(ctx context.Context, by By, account uuid.UUID, in *api.ChangeControl) error {
	hours := 0
	if in.Required {
		hours = in.Hours.Or(changeHours)
	}
	return s.Write(ctx, func(tx *store.Tx) error {
		was, err := tx.ChangeControl(account)
		if err != nil {
			return err
		}
		if hours > 0 {
			if err := twoDecide(tx, account); err != nil {
				return err
			}
		}
		if err := tx.SetChangeControl(account, hours); err != nil {
			return err
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "change-control", Action: "updated", ID: account, Changes: map[string][2]any{"hours": {was, hours}}})
	})
}

// twoDecide refuses an account in which fewer than two people could approve anything.
func twoDecide(tx *store.Tx, account uuid.UUID) error {
	members, err := tx.Memberships(account)
	n := 0
	for i := 0; i < len(members) && err == nil; i++ {
		if m := members[i]; m.Active && m.ActorType == store.ActorUser {
			var role access.AccountRole
			if role, err = accountRole(tx, m); err == nil && role.Permissions.Has("update:account") {
				n++
			}
		}
	}
	if err == nil && n < 2 {
		err = api.Errorf(api.CodeConflict, "Nobody else could approve: it takes two active people who may change the account.")
	}
	return err
}

// What becomes of a change that waits.
const (
	ChangeApproved  = store.ChangeApproved
	ChangeRejected  = store.ChangeRejected
	ChangeWithdrawn = store.ChangeWithdrawn
)

// Proposed is a request that makes a change.
type Proposed struct {
	Method, Path string
	Permission   access.Permission
	Body         []byte
}

// Hold keeps a change for a second person where the account wants that; nil where it doesn't.
func (s *Service) Hold(ctx context.Context, by By, account uuid.UUID, p Proposed) (out *api.AccountChange, err error) {
	hours, err := read(ctx, s, func(tx *store.Tx) (int, error) { return tx.ChangeControl(account) })
	if err != nil || hours == 0 {
		return nil, err
	}
	if by.Actor.Type != store.ActorUser {
		return nil, api.Errorf(api.CodeForbidden, "This account wants two people for that: a person has to propose it, and another one to approve.")
	}
	if len(p.Body) > 0 && !jsontext.Value(p.Body).IsValid() {
		return nil, api.Errorf(api.CodeInvalid, "The body is no JSON.")
	}
	err = s.Write(ctx, func(tx *store.Tx) error {
		now := s.Now()
		waiting, err := tx.AccountChanges(account, mostWaiting)
		if err != nil {
			return err
		}
		waiting = slices.DeleteFunc(waiting, func(c store.AccountChange) bool {
			return c.Status != store.ChangePending || !now.Before(c.Expires.Time)
		})
		if len(waiting) == mostWaiting {
			return api.Errorf(api.CodeConflict, "%d changes of this account wait already: approve, reject or withdraw some.", mostWaiting)
		}
		c := &store.AccountChange{
			AccountID: account, ID: newID(), Created: now, Expires: api.At(now.Add(time.Duration(hours) * time.Hour)), ActorID: by.Actor.ID,
			Method: p.Method, Path: p.Path, Permission: string(p.Permission), Body: string(p.Body), Status: store.ChangePending,
		}
		if err := tx.AddAccountChange(c); err != nil {
			return err
		}
		if out, err = s.changeOf(tx, c, nil); err != nil {
			return err
		}
		out.Actor = by.Actor.Name()
		out.Detail = fmt.Sprintf("This account wants a second person for that. It waits %d hours for one: usher change approve %s", hours, c.ID)
		return s.auditChange(tx, by, c, "proposed", "")
	})
	return out, err
}

func (s *Service) auditChange(tx *store.Tx, by By, c *store.AccountChange, action, outcome string) error {
	details := map[string]any{"actor_id": c.ActorID, "method": c.Method, "path": c.Path}
	if outcome != "" {
		details["outcome"] = outcome
	}
	return s.Audit(tx, by, Entry{Account: c.AccountID, Type: "account-change", Action: action, ID: c.ID, Details: details})
}

func (s *Service) changeOf(_ *store.Tx, c *store.AccountChange, names map[uuid.UUID]string) (*api.AccountChange, error) {
	out := &api.AccountChange{
		ID: c.ID, Created: c.Created, Expires: c.Expires, ActorID: c.ActorID, Actor: names[c.ActorID], Method: c.Method, Path: c.Path,
		Body: jsontext.Value("null"), Status: c.Status, DecidedBy: c.DecidedBy, Decided: c.Decided, Outcome: c.Outcome,
	}
	if c.Body != "" {
		out.Body = jsontext.Value(c.Body)
	}
	if c.DecidedBy != nil {
		out.Decider = names[*c.DecidedBy]
	}
	if c.Status == store.ChangePending && !s.Now().Before(c.Expires.Time) {
		out.Status, out.Body = "EXPIRED", jsontext.Value("null")
	}
	return out, nil
}

// maySee says whether an actor may look at a change: its own, and those that it may make.
func maySee(by By, c *store.AccountChange) bool {
	g, ok := by.Actor.Account(c.AccountID)
	return c.ActorID == by.Actor.ID || ok && g.Permissions.Has(access.Permission(c.Permission))
}

// Changes lists the latest changes of an account that one may look at.
func (s *Service) Changes(ctx context.Context, by By, account uuid.UUID) ([]api.AccountChange, error) {
	return read(ctx, s, func(tx *store.Tx) ([]api.AccountChange, error) {
		names, err := s.names(tx, account)
		if err != nil {
			return nil, err
		}
		list, err := tx.AccountChanges(account, api.MaxPage)
		out := []api.AccountChange{}
		for i := 0; i < len(list) && err == nil; i++ {
			if maySee(by, &list[i]) {
				var one *api.AccountChange
				if one, err = s.changeOf(tx, &list[i], names); err == nil {
					out = append(out, *one)
				}
			}
		}
		return out, err
	})
}

// Waiting is a change that was taken to be made, by whom it was proposed.
type Waiting struct {
	store.AccountChange

	Proposer *Actor
}

// DecideChange rejects, withdraws or approves a change that waits. One that is approved is
// returned, for the request to be made: nobody else can take it any more.
func (s *Service) DecideChange(ctx context.Context, by By, account, id uuid.UUID, status string) (taken *Waiting, err error) {
	err = s.Write(ctx, func(tx *store.Tx) error {
		c, err := tx.AccountChange(account, id)
		if err != nil || !maySee(by, c) {
			return missing("Change", firstOf(err, store.ErrNoRows))
		}
		mine := c.ActorID == by.Actor.ID
		switch {
		case status == store.ChangeWithdrawn && !mine:
			return api.Errorf(api.CodeForbidden, "Who has proposed it withdraws it; you may reject it.")
		case status != store.ChangeWithdrawn && mine:
			return api.Errorf(api.CodeForbidden, "You have proposed it: somebody else decides.")
		case status == store.ChangeApproved && by.Actor.Type != store.ActorUser:
			return api.Errorf(api.CodeForbidden, "A person has to approve it.")
		}
		proposer, err := s.ActorOf(tx, Credential{ActorID: c.ActorID})
		if err != nil {
			return err
		}
		if proposer == nil && status == store.ChangeApproved {
			return api.Errorf(api.CodeConflict, "Who has proposed it is no member any more: reject it.")
		}
		first, err := tx.DecideAccountChange(c, status, by.Actor.ID, s.Now())
		if err != nil || !first {
			return firstOf(err, api.Errorf(api.CodeConflict, "This change waits no more: it was decided, or its time is over."))
		}
		taken = &Waiting{*c, proposer}
		return s.auditChange(tx, by, c, strings.ToLower(status), "")
	})
	return taken, err
}

// FailChange notes that a change which was approved was refused when it was made.
func (s *Service) FailChange(ctx context.Context, by By, w *Waiting, outcome string) error {
	return s.Write(ctx, func(tx *store.Tx) error {
		if err := tx.FailAccountChange(w.AccountID, w.ID, outcome); err != nil {
			return err
		}
		return s.auditChange(tx, by, &w.AccountChange, "failed", outcome)
	})
}
