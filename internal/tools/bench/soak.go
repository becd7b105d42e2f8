package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// measureSoak puts our server under all kinds of load at once, each as fast as it is taken:
// events by socket and in requests, events that fire an automation, runs with their states,
// log lines, readers and a subscriber. It looks at whether memory stays flat, and fails when
// an event or an action is lost.
func measureSoak(ctx context.Context, r *rig) ([]result, error) {
	server, err := r.ours.running(ctx)
	if err != nil {
		return nil, err
	}
	l := &soaking{client: client{server: server, patient: true}, side: r.ours}
	if l.flow, err = l.create(ctx, "/flows/", object{"name": "soak"}); err != nil {
		return nil, err
	}
	if err := l.automate(ctx); err != nil {
		return nil, err
	}
	memory, err := l.run(ctx, *soakTime)
	if err != nil {
		return nil, err
	}
	if err := l.arrived(ctx); err != nil {
		return nil, err
	}
	fifth := len(memory) / 5
	early, late := median(memory[fifth:2*fifth]), median(memory[4*fifth:])
	perSecond := func(n *atomic.Int64) float64 { return float64(n.Load()) / soakTime.Seconds() }
	plain := func(n float64) string { return fmt.Sprintf("%.0f", n) }
	return []result{
		{what: fmt.Sprintf("memory in the last fifth of %v of everything", *soakTime), unit: mebibytes, ours: late, limit: new(early + 32<<20), alone: true},
		{what: "… in the second fifth", unit: mebibytes, ours: early, alone: true},
		{what: "… at most", unit: mebibytes, ours: slices.Max(memory), alone: true},
		{what: "… events by socket a second", unit: plain, ours: perSecond(&l.bySocket), alone: true},
		{what: "… events in requests a second", unit: plain, ours: perSecond(&l.byRequest), alone: true},
		{what: "… actions a second", unit: plain, ours: perSecond(&l.acted), alone: true},
		{what: "… runs a second", unit: plain, ours: perSecond(&l.runs), alone: true},
		{what: "… log lines a second", unit: plain, ours: 100 * perSecond(&l.batches), alone: true},
	}, nil
}

// soaking is a load of all kinds, and what of it was sent.
type soaking struct {
	client
	side *side
	flow string

	bySocket, byRequest, acted, runs, batches atomic.Int64
}

// actingRest is how long who fires the automation rests between events: each makes two
// events of the server's own.
const actingRest = 5 * time.Millisecond

// run keeps the load up for a while and returns what memory the server had meanwhile, at
// fifty moments or more.
func (l *soaking) run(ctx context.Context, span time.Duration) (memory []float64, err error) {
	busy, calm := context.WithTimeout(ctx, span)
	defer calm()
	var all sync.WaitGroup
	var failed atomic.Pointer[error]
	for _, work := range []func(context.Context) error{l.stream, l.send, l.act, l.makeRuns, l.makeRuns, l.read, l.listen} {
		all.Go(func() {
			if err := work(busy); err != nil && busy.Err() == nil {
				failed.CompareAndSwap(nil, &err)
				calm()
			}
		})
	}
	for pause(busy, min(span/50, 5*time.Second)) == nil {
		now, err := l.side.usage(ctx)
		if err != nil {
			return nil, err
		}
		memory = append(memory, now.memory)
		fmt.Fprintf(os.Stderr, "%s, %d events by socket, %d in requests, %d actions, %d runs\n", mebibytes(now.memory), l.bySocket.Load(), l.byRequest.Load(), l.acted.Load(), l.runs.Load())
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return nil, *err
	}
	if len(memory) < 10 {
		return nil, errors.New("the load was too short to tell anything of it")
	}
	return memory, ctx.Err()
}

// stream sends events by socket; what was begun is sent to its end.
func (l *soaking) stream(ctx context.Context) error {
	for ctx.Err() == nil {
		n, err := l.client.stream(context.WithoutCancel(ctx), time.Second)
		l.bySocket.Add(int64(n))
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *soaking) send(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := l.client.send(context.WithoutCancel(ctx), http.MethodPost, "/events", events(l.flow), nil); err != nil {
			return err
		}
		l.byRequest.Add(eventBatch)
	}
	return nil
}

func (l *soaking) act(ctx context.Context) error {
	for pause(ctx, actingRest) == nil {
		batch := events(l.flow)[:1]
		batch[0]["event"] = acting
		if err := l.client.send(context.WithoutCancel(ctx), http.MethodPost, "/events", batch, nil); err != nil {
			return err
		}
		l.acted.Add(1)
	}
	return nil
}

func (l *soaking) makeRuns(ctx context.Context) error {
	for ctx.Err() == nil {
		ctx := context.WithoutCancel(ctx)
		run, err := l.create(ctx, "/flow_runs/", newRun(l.flow))
		if err != nil {
			return err
		}
		if err := l.walk(ctx, run); err != nil {
			return err
		}
		if err := l.client.send(ctx, http.MethodPost, "/logs/", logBatch(run), nil); err != nil {
			return err
		}
		l.runs.Add(1)
		l.batches.Add(1)
	}
	return nil
}

func (l *soaking) read(ctx context.Context) error {
	for pause(ctx, 50*time.Millisecond) == nil {
		if err := l.listRuns(ctx, l.flow); err != nil {
			return err
		}
		if _, err := l.found(ctx, probe); err != nil {
			return err
		}
	}
	return nil
}

// listen hears of the actions.
func (l *soaking) listen(ctx context.Context) error {
	out, err := l.subscribe(ctx, "prefect.automation.action.triggered")
	if err != nil {
		return err
	}
	defer out.CloseNow() //nolint:errcheck // it was used
	for {
		if _, _, err := out.Read(ctx); err != nil {
			return err
		}
	}
}

// arrived waits until all that was sent is there, and an action for each event that asks
// for one.
func (l *soaking) arrived(ctx context.Context) error {
	for name, sent := range map[string]int64{
		streamed: l.bySocket.Load(), "bench.happened": l.byRequest.Load(), acting: l.acted.Load(), "prefect.automation.action.executed": l.acted.Load(),
	} {
		for tries := 0; ; tries++ {
			n, err := l.found(ctx, name)
			if err != nil {
				return err
			}
			if int64(n) == sent {
				break
			}
			if tries == 60 {
				return fmt.Errorf("%d events %s are there, and %d were sent", n, name, sent)
			}
			if err := pause(ctx, time.Second); err != nil {
				return err
			}
		}
	}
	return nil
}
