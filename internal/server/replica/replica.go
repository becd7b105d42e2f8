// Package replica joins the buses of the servers that work on one database, so that it
// does not matter which of them holds a connection. What is stored anyway, events and log
// lines, each server reads from its table as soon as it hears that there is more; other
// messages travel as they are. The database's messenger may lose what it carries: a
// server that could have missed something lets its subscribers look at the store.
package replica

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/bus"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/store"
)

const (
	sendSpacing = 5 * time.Millisecond // between two letters: what happens meanwhile goes into one
	sendTime    = 5 * time.Second
	beat        = 5 * time.Second // between two signs of life
	silence     = 3 * beat        // after which a server is believed dead, and the own ear deaf
	retryAfter  = time.Second
)

// Messenger carries texts between servers, without a guarantee.
type Messenger interface {
	Notify(ctx context.Context, texts []string) error
	Listen(ctx context.Context, ready func(), heard func(text string)) error
}

// Link is a server's connection to the others on its database.
type Link struct {
	core      *core.Core
	messenger Messenger
	log       *slog.Logger
	id        uuid.UUID
	out       outbox
	events    *tail[api.ReceivedEvent]
	logs      *tail[api.Log]

	mu    sync.Mutex // guards what follows
	heard time.Time  // when a text of our own came back
	calls int        // signs of life of ours that came back since the connection was made
	peers map[uuid.UUID]time.Time
}

// Join links the bus of c with those of the other servers that messenger reaches. The
// link works while Run does. It must be made before anything is published.
func Join(c *core.Core, messenger Messenger, log *slog.Logger) *Link {
	l := &Link{core: c, messenger: messenger, log: log, id: uuid.New(), out: outbox{wake: make(chan struct{}, 1)}, peers: map[uuid.UUID]time.Time{}}
	l.events = &tail[api.ReceivedEvent]{
		read: c.EventRows, last: c.LastEventRows, clock: time.Now, log: log, grown: make(chan struct{}, 1),
		wanted: func() bool { return bus.Wanted[core.Event](c.Bus) }, publish: l.deliverEvents,
	}
	l.logs = &tail[api.Log]{
		read: c.LogRows, last: c.LastLogRows, clock: time.Now, log: log, grown: make(chan struct{}, 1),
		wanted: func() bool { return bus.Wanted[core.LogsWritten](c.Bus) }, publish: l.deliverLogs,
	}
	bus.Feed[core.Event](c.Bus, l.events.start)
	bus.Feed[core.LogsWritten](c.Bus, l.logs.start)
	c.Bus.Relay = l.relay
	return l
}

func (l *Link) deliverEvents(rows []store.Stored[api.ReceivedEvent]) {
	for i := range rows {
		l.core.Bus.Deliver(core.Event{Workspace: rows[i].Workspace, ReceivedEvent: rows[i].Value})
	}
}

func (l *Link) deliverLogs(rows []store.Stored[api.Log]) {
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].Workspace == rows[0].Workspace {
			n++
		}
		written := core.LogsWritten{Workspace: rows[0].Workspace, Logs: make([]api.Log, n)}
		for i := range n {
			written.Logs[i] = rows[i].Value
		}
		l.core.Bus.Deliver(written)
		rows = rows[n:]
	}
}

// relay tells the others of a message and says whether it is delivered here at once:
// what is stored comes back from the store. Work for the services goes to our own, if we
// have them.
func (l *Link) relay(message any) (deliver bool) {
	switch m := message.(type) {
	case core.Event:
		l.events.grew()
		l.write(func(next *letter) { next.Events = true })
		return false
	case core.LogsWritten:
		l.logs.grew()
		l.write(func(next *letter) { next.Logs = true })
		return false
	case core.LeaseGranted: // who granted it ends it, and if it dies, others find it
	case core.DeploymentChanged:
		postUnlessOurs(l, m)
	case core.RunBrokenOff:
		postUnlessOurs(l, m)
	case core.EventsStored:
		postUnlessOurs(l, m)
	case core.AutomationsChanged:
		postUnlessOurs(l, m)
	case core.ActionsQueued:
		postUnlessOurs(l, m)
	case core.RunStateChanged:
		if m.FreesSlot() {
			l.post(m)
		}
	default:
		l.post(m)
	}
	return true
}

// postUnlessOurs tells the others of work for services when this server runs none.
func postUnlessOurs[T any](l *Link, message T) {
	if !bus.Wanted[T](l.core.Bus) {
		l.post(message)
	}
}

func (l *Link) post(message any) {
	p, err := pack(message)
	if err != nil {
		l.log.Error("a message can't travel", "message", message, "error", err)
		return
	}
	l.write(func(next *letter) { next.Messages = append(next.Messages, p) })
}

// write adds to the next letter, if there is anybody to read it.
func (l *Link) write(add func(*letter)) {
	if !l.isAlone() {
		l.out.put(add)
	}
}

// Run keeps the link up until ctx ends; then it takes leave of the others.
func (l *Link) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { l.events.run(ctx); return nil })
	group.Go(func() error { l.logs.run(ctx); return nil })
	group.Go(func() error { l.listen(ctx); return nil })
	group.Go(func() error { l.live(ctx); return nil })
	group.Go(func() error { l.send(ctx); return nil })
	err := group.Wait()
	last := l.out.take()
	last.Bye = true
	_ = l.tell(context.WithoutCancel(ctx), last) // the others find out by themselves
	return err
}

// send tells the others what is in the outbox.
func (l *Link) send(ctx context.Context) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		select {
		case <-ctx.Done():
			return
		case <-l.out.wake:
		}
		pause.Reset(sendSpacing)
		if err := l.tell(ctx, l.out.take()); err != nil && ctx.Err() == nil {
			l.log.Warn("the other servers can't be told", "error", err)
			l.out.put(func(next *letter) { next.Doubt = true })
			pause.Reset(retryAfter)
		}
	}
}

func (l *Link) tell(ctx context.Context, what letter) error {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	texts, err := what.texts(l.id)
	if err != nil {
		return err
	}
	return l.messenger.Notify(ctx, texts)
}

// listen hears the others, again and again if the connection is lost.
func (l *Link) listen(ctx context.Context) {
	for ctx.Err() == nil {
		hearing, stop := context.WithCancel(ctx)
		err := l.messenger.Listen(hearing, l.begin, l.hear)
		stop()
		if ctx.Err() != nil {
			return
		}
		l.log.Warn("the other servers can't be heard; what they do is looked for every few seconds", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(retryAfter):
		}
	}
}

// begin says hello, which others answer, and catches up with what was not heard.
func (l *Link) begin() {
	l.mu.Lock()
	l.calls = 0
	l.mu.Unlock()
	l.doubt()
	l.out.put(func(*letter) {})
}

func (l *Link) hear(text string) {
	var in letter
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		l.log.Warn("a text from another server can't be read", "error", err)
		return
	}
	isOurs, isNew := l.meet(in)
	if isOurs {
		return
	}
	if isNew { // it may have believed to be alone until now, and hears us from now on
		l.out.put(func(*letter) {})
	}
	if in.Events {
		l.events.grew()
	}
	if in.Logs {
		l.logs.grew()
	}
	if in.Doubt || in.Bye || isNew {
		l.doubt()
	}
	for _, p := range in.Messages {
		l.receive(p)
	}
}

func (l *Link) receive(p parcel) {
	open, known := kinds[p.Kind]
	if !known {
		return
	}
	m, err := open(p.Body)
	if err != nil {
		l.log.Warn("a message from another server can't be read", "kind", p.Kind, "error", err)
		return
	}
	l.core.Bus.Deliver(m)
}
