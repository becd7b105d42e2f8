// Package bus carries what was committed to those who wait for it inside one server:
// sockets, held requests and services. Messages are typed; a subscription receives the
// messages of one type. Delivery is in order and at most once: a subscriber that falls
// behind its buffer loses messages and is told so, and recovers by reading the store.
//
// Other servers on the same database are reached through a Relay, which package replica
// sets.
package bus

import (
	"reflect"
	"sync"
	"sync/atomic"
)

// Bus fans messages out. The zero value is ready; it is safe for concurrent use.
type Bus struct {
	// Relay is shown each message that is published here and says whether it is to be
	// delivered here too; nil delivers all. It is set before the bus is used.
	Relay func(message any) (deliver bool)

	mu    sync.RWMutex
	subs  map[reflect.Type]map[any]receiver
	feeds map[reflect.Type]func()
}

// receiver is a subscription without its type.
type receiver interface {
	deliver(message any)
	doubt()
}

// Subscription receives messages of type T until it is closed.
type Subscription[T any] struct {
	C      chan T        // the messages
	Missed chan struct{} // signalled, without blocking, when messages may have been missed
	bus    *Bus

	want  func(T) bool // nil where all messages are wanted
	weigh func(T) int  // nil where only the number of messages is bounded
	most  int64
	held  atomic.Int64
}

// Subscribe returns a subscription that buffers up to n messages of type T. It hears of
// what is committed after Subscribe has returned.
func Subscribe[T any](b *Bus, n int) *Subscription[T] { return SubscribeWeighed[T](b, n, nil, nil, 0) }

// SubscribeWeighed is Subscribe that besides buffers messages only up to a weight, or one,
// and of them only those that are wanted: who publishes waits for want, so it is quick. Who
// receives one says so with Took.
func SubscribeWeighed[T any](b *Bus, n int, want func(T) bool, weigh func(T) int, most int) *Subscription[T] {
	s := &Subscription[T]{C: make(chan T, n), Missed: make(chan struct{}, 1), bus: b, want: want, weigh: weigh, most: int64(most)}
	if feed := b.add(reflect.TypeFor[T](), s); feed != nil {
		feed()
	}
	return s
}

func (b *Bus) add(t reflect.Type, s receiver) (feed func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.subs == nil {
		b.subs = map[reflect.Type]map[any]receiver{}
	}
	if b.subs[t] == nil {
		b.subs[t] = map[any]receiver{}
	}
	b.subs[t][s] = s
	return b.feeds[t]
}

// Feed lets every new subscription to messages of type T wait until ready has returned.
func Feed[T any](b *Bus, ready func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.feeds == nil {
		b.feeds = map[reflect.Type]func(){}
	}
	b.feeds[reflect.TypeFor[T]()] = ready
}

func (s *Subscription[T]) deliver(m any) {
	message, weight := m.(T), int64(0)
	if s.want != nil && !s.want(message) {
		return
	}
	if s.weigh != nil {
		weight = int64(s.weigh(message))
	}
	if held := s.held.Add(weight); weight == 0 || held <= s.most || held == weight {
		select {
		case s.C <- message:
			return
		default:
		}
	}
	s.held.Add(-weight)
	s.doubt()
}

// Took makes room for as much as a message that was received.
func (s *Subscription[T]) Took(message T) {
	if s.weigh != nil {
		s.held.Add(-int64(s.weigh(message)))
	}
}

func (s *Subscription[T]) doubt() {
	select {
	case s.Missed <- struct{}{}:
	default:
	}
}

// Close ends the subscription. It may be called more than once.
func (s *Subscription[T]) Close() {
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	delete(s.bus.subs[reflect.TypeFor[T]()], s)
}

// Publish hands each message to the subscriptions of its type, here and, through the
// Relay, elsewhere.
func (b *Bus) Publish(messages ...any) {
	for _, m := range messages {
		if b.Relay == nil || b.Relay(m) {
			b.Deliver(m)
		}
	}
}

// Heard says whether anybody, here or elsewhere, may hear of messages of type T.
func Heard[T any](b *Bus) bool { return b.Relay != nil || Wanted[T](b) }

// Deliver is Publish for this server alone.
func (b *Bus) Deliver(message any) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, s := range b.subs[reflect.TypeOf(message)] {
		s.deliver(message)
	}
}

// Doubt tells the subscribers to messages of type T that they may have missed some.
func Doubt[T any](b *Bus) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, s := range b.subs[reflect.TypeFor[T]()] {
		s.doubt()
	}
}

// Wanted says whether anybody subscribes to messages of type T.
func Wanted[T any](b *Bus) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return len(b.subs[reflect.TypeFor[T]()]) > 0
}
