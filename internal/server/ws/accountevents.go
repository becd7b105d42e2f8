package ws

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/filter"
)

// followEvery is how often it is looked for new entries of an audit log, which other servers
// write too.
const followEvery = time.Second

// accountEventsOut sends what the audit log of an account says, as eventsOut does with the
// events of a workspace.
func (s *sockets) accountEventsOut(w http.ResponseWriter, r *http.Request) {
	conn, s := s.accept(w, r, websocket.AcceptOptions{}, "read:audit_event")
	if conn == nil {
		return
	}
	defer s.hold(conn)()
	account, err := uuid.Parse(r.PathValue("account_id"))
	if err != nil {
		return
	}
	want, backfill, ok := s.wanted(conn)
	if !ok {
		return
	}
	ctx, stop := s.while(conn)
	defer stop()
	if err := s.followAudit(ctx, conn, account, &want, backfill); err != nil && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "the audit log could not be followed", "error", err)
		conn.Close(websocket.StatusTryAgainLater, "connect again") //nolint:errcheck // closing
	}
}

func (s *sockets) followAudit(ctx context.Context, conn *websocket.Conn, account uuid.UUID, want *filter.Event, backfill bool) error {
	last, err := s.audit.AuditEnd(ctx, account) // before what is stored is read, so that nothing falls between
	if err != nil {
		return err
	}
	sent := map[uuid.UUID]bool{}
	if backfill {
		stored, err := s.audit.AccountEvents(ctx, account, api.At(*want.Since), api.At(s.core.Clock()), want.Matches)
		if err != nil {
			return err
		}
		for _, e := range slices.Backward(stored) {
			if err := s.writeEvent(ctx, conn, e); err != nil {
				return err
			}
			sent[e.ID] = true
		}
	}
	again := time.NewTicker(followEvery)
	defer again.Stop()
	for {
		var list []api.ReceivedEvent
		if list, last, err = s.audit.AuditedAfter(ctx, account, last); err != nil {
			return err
		}
		for i := range list {
			if sent[list[i].ID] || !want.Matches(&list[i]) {
				continue
			}
			if err := s.writeEvent(ctx, conn, list[i]); err != nil {
				return err
			}
		}
		if len(list) > 0 {
			clear(sent)
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-again.C:
		}
	}
}
