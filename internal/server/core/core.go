// Package core holds the use cases of the control plane: each method is one thing a
// caller can ask for, done in one transaction that reads through store, decides through
// rules, writes through store, and publishes on the bus what was committed. It knows
// nothing of HTTP. With identity it is the only caller of store.
package core

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/notify"
	"github.com/usherhq/usher/internal/rules/masking"
	"github.com/usherhq/usher/internal/server/bus"
	"github.com/usherhq/usher/internal/server/meter"
	"github.com/usherhq/usher/internal/server/trace"
	"github.com/usherhq/usher/internal/store"
)

// Core serves the use cases. It is safe for concurrent use.
type Core struct {
	Store  *store.Store
	Bus    *bus.Bus
	Clock  func() time.Time
	Log    *slog.Logger
	Keys   *crypt.Keeper // of the master keys
	Upkeep Upkeep
	Mutes  Mutes
	// Masks take what looks like a secret out of log lines before they are kept.
	Masks masking.Patterns
	// UIURL is where the web UI is, without a slash at the end, for links in messages.
	UIURL  string
	Guards Guards
	// Sender delivers what automations tell others.
	Sender notify.Sender
	Meter  *meter.Meter  // nil: nothing is counted
	Tracer *trace.Tracer // nil: nobody is told
	// MayAct says whether an actor has a scope in a workspace now; nil on a server without
	// accounts, where everybody may do everything.
	MayAct func(ctx context.Context, actor, workspace uuid.UUID, scope string) (bool, error)
	// Settings is what the server is configured with, in the contract's shape.
	Settings jsontext.Value

	known        known
	withBlocks   sync.Map                  // workspaces that have the system's blocks
	derived      atomic.Pointer[crypt.Key] // the account's first key, once it was asked for
	unsealedKeys sync.Map                  // keys that were opened, by what they are sealed as
}

// Caller is who asks, as far as use cases need to know.
type Caller struct {
	Workspace uuid.UUID
	// Account is the workspace's, nil unless the caller's URL is one below an account's path.
	Account       *uuid.UUID
	ClientVersion string // of the Prefect SDK, "" when unknown
	// By is who acts: an automation or, where accounts are, who has asked.
	By *api.CreatedBy
	// SecretsMasked keeps the secrets of blocks from the caller.
	SecretsMasked bool
	// Hidden are the objects that the caller may not see, by table.
	Hidden map[string][]uuid.UUID
	// Run is the flow run whose program the caller is: it may touch only what belongs to it.
	Run *uuid.UUID
}

// DefaultWorkspace is the workspace of everything on a server without accounts.
var DefaultWorkspace = store.DefaultWorkspace

// work is a transaction with what will be published once it is committed. The function
// that fills it may run more than once, each time with a fresh work.
type work struct {
	*store.Tx
	ctx      context.Context //nolint:containedctx // of the call that it is done for
	core     *Core
	who      Caller
	now      api.Time
	messages []any
	events   []*api.ReceivedEvent // that were stored, which automations have to look at
}

// stored tells of an event that is new, after the commit.
func (w *work) stored(e *api.ReceivedEvent) {
	w.events = append(w.events, e)
	if isAutomationChange(e.Event) {
		w.publish(AutomationsChanged{w.Workspace()})
	}
}

// publish hands m to the bus after the commit.
func (w *work) publish(m any) { w.messages = append(w.messages, m) }

// write runs fn in a writing transaction and publishes its messages after the commit.
func (c *Core) write(ctx context.Context, who Caller, fn func(*work) error) error {
	var done *work
	err := c.Store.Write(ctx, who.Workspace, func(tx *store.Tx) error {
		tx.Hide(who.Hidden)
		done = &work{ctx: ctx, Tx: tx, core: c, who: who, now: c.now()}
		return fn(done)
	})
	if err != nil {
		return refused(err)
	}
	c.committed(done)
	return nil
}

// committed publishes the messages of a work that is committed.
func (c *Core) committed(done *work) {
	c.Bus.Publish(done.messages...)
	c.Meter.Count(meter.Events, len(done.events))
	if len(done.events) > 0 {
		c.tell(done.who.Workspace, done.events)
		c.Bus.Publish(EventsStored{done.who.Workspace})
	}
}

// tell publishes events that were stored, if anybody listens.
func (c *Core) tell(workspace uuid.UUID, events []*api.ReceivedEvent) {
	if !bus.Heard[Event](c.Bus) {
		return
	}
	for _, e := range events {
		c.Bus.Publish(Event{workspace, *e})
	}
}

// Alone runs fn unless another server runs one of that name, and says whether it did.
func (c *Core) Alone(ctx context.Context, name string, fn func() error) (ran bool, err error) {
	return c.Store.Alone(ctx, name, fn)
}

// read runs fn on a snapshot.
func (c *Core) read(ctx context.Context, who Caller, fn func(*store.Tx) error) error {
	if len(who.Hidden) > 0 || who.Run != nil {
		plain := fn
		fn = func(tx *store.Tx) error {
			tx.Hide(who.Hidden)
			if who.Run != nil {
				tx.Within(*who.Run)
			}
			return plain(tx)
		}
	}
	return refused(c.Store.Read(ctx, who.Workspace, fn))
}

func (c *Core) now() api.Time { return api.At(c.Clock()) }

// refused words the constraint violations that no use case has worded better.
func refused(err error) error {
	if worded := (*api.Error)(nil); errors.As(err, &worded) {
		return err
	}
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrForeignKey) {
		return api.Errorf(api.CodeConflict, "Data integrity conflict. This usually means a unique or foreign key constraint was violated. See server logs for details.")
	}
	return err
}

// value reads one thing on a snapshot.
func value[T any](ctx context.Context, c *Core, who Caller, fn func(*store.Tx) (T, error)) (T, error) {
	var out T
	err := c.read(ctx, who, func(tx *store.Tx) error {
		var err error
		out, err = fn(tx)
		return err
	})
	return out, err
}

// across reads one thing on a snapshot of what store.ReadAcross opens.
func across[T any](ctx context.Context, c *Core, fn func(*store.Tx) (T, error)) (T, error) {
	var out T
	err := c.Store.ReadAcross(ctx, DefaultWorkspace, func(tx *store.Tx) (err error) {
		out, err = fn(tx)
		return err
	})
	return out, refused(err)
}

// found words a missing row as the absence of what was asked for.
func found[T any](what string, read func() (T, error)) (T, error) {
	return foundOr(what+" not found", read)
}

// foundOr is found for what the contract words differently.
func foundOr[T any](message string, read func() (T, error)) (T, error) {
	out, err := read()
	if errors.Is(err, store.ErrNoRows) {
		return out, api.Errorf(api.CodeNotFound, "%s", message)
	}
	return out, err
}

// newID makes an id that sorts by time.
func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// Ready says whether the database answers.
func (c *Core) Ready(ctx context.Context) error {
	return c.read(ctx, Caller{Workspace: DefaultWorkspace}, func(tx *store.Tx) error {
		var one int
		return tx.QueryRow("select 1", nil, &one)
	})
}
