package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// AccountEvents lists what the audit log of an account says about a span of time, as far
// as want says so; the newest first.
func (s *Service) AccountEvents(ctx context.Context, account uuid.UUID, since, until api.Time, want func(*api.ReceivedEvent) bool) ([]api.ReceivedEvent, error) {
	return read(ctx, s, func(tx *store.Tx) ([]api.ReceivedEvent, error) {
		list := []api.ReceivedEvent{}
		err := tx.AuditBetween(account, since, until, func(text string) error {
			e, err := eventIn(text)
			if err == nil && want(e) {
				list = append(list, *e)
			}
			return err
		})
		return list, err
	})
}

// AuditedAfter follows the log of an account: what was written behind the entry with the
// number after, in order, and the number of the last that there is. It answers at most 500
// entries at once.
func (s *Service) AuditedAfter(ctx context.Context, account uuid.UUID, after int64) (list []api.ReceivedEvent, last int64, err error) {
	err = s.Read(ctx, func(tx *store.Tx) error {
		list, last = nil, after
		page, err := tx.AuditEntries(account, after, auditPage)
		for i := range page {
			e, err := eventIn(page[i].Entry)
			if err != nil {
				return err
			}
			list, last = append(list, *e), page[i].Seq
		}
		return err
	})
	return list, last, err
}

// AuditEnd is the number of the last entry in the log of an account, 0 when there is none.
func (s *Service) AuditEnd(ctx context.Context, account uuid.UUID) (seq int64, err error) {
	err = s.Read(ctx, func(tx *store.Tx) (err error) {
		if seq, _, err = tx.AuditEnd(account); errors.Is(err, store.ErrNoRows) {
			err = nil
		}
		return err
	})
	return seq, err
}

// ownEvents is how the names of the events begin that only the server writes.
const ownEvents = "prefect-cloud."

// ReportProblem says why an event may not be reported to the log of an account, "" if it
// may: nobody puts the log's own words into its mouth, and who has reported something, and
// to which account, the server knows better.
func ReportProblem(by By, account uuid.UUID, e *api.ReceivedEvent) string {
	if strings.HasPrefix(strings.ToLower(strings.TrimSpace(e.Event)), ownEvents) {
		return "names that begin with prefect-cloud. are those of the audit log itself"
	}
	for _, r := range e.Related {
		if isWitness(r) && !isTrue(r, by, account) {
			return "who has done it, and in which account, is written down by the server"
		}
	}
	return ""
}

// isWitness says that a related resource tells of whom an event is.
func isWitness(r api.RelatedResource) bool {
	id, role := r["prefect.resource.id"], r["prefect.resource.role"]
	return role == "actor" || role == "account" || strings.HasPrefix(id, "prefect-cloud.actor.") || strings.HasPrefix(id, "prefect-cloud.account.")
}

func isTrue(r api.RelatedResource, by By, account uuid.UUID) bool {
	id := r["prefect.resource.id"]
	return id == "prefect-cloud.account."+account.String() || by.Actor != nil && id == "prefect-cloud.actor."+by.Actor.ID.String()
}

// Report writes events of somebody into the log of an account, all of them or none. One that
// is there already is passed over, so that it may be sent again. An error of the code
// CodeInvalid names the first with a problem.
func (s *Service) Report(ctx context.Context, by By, account uuid.UUID, events []api.ReceivedEvent) error {
	for i := range events {
		if problem := ReportProblem(by, account, &events[i]); problem != "" {
			return api.Invalid(nil, api.Violation{Type: "value_error", Loc: []any{"body", i}, Msg: "Value error, " + problem})
		}
	}
	return s.Write(ctx, func(tx *store.Tx) error {
		for i := range events {
			if err := s.report(tx, by, account, &events[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) report(tx *store.Tx, by By, account uuid.UUID, e *api.ReceivedEvent) error {
	row := &store.AuditEntry{AccountID: account, ID: e.ID, Occurred: api.At(e.Occurred.Truncate(time.Microsecond)), Event: e.Event, ResourceID: e.Resource["prefect.resource.id"]}
	if by.Actor != nil {
		row.ActorID = &by.Actor.ID
	}
	if known, err := tx.IsAudited(account, row.Occurred, row.ID); err != nil || known {
		return err
	}
	told := *e
	told.Occurred, told.Received = row.Occurred, s.Now()
	said := slices.DeleteFunc(slices.Clone(e.Related), isWitness)
	told.Related = append(witnesses(by, row), said...)
	text, err := json.Marshal(&told, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("word a reported event: %w", err)
	}
	return chain(tx, row, string(text))
}
