package trigger

import (
	"slices"
	"strings"

	"github.com/usherhq/usher/internal/api"
)

// Index finds the triggers that an event matters to without asking all of them. It is for
// one goroutine.
type Index struct {
	order    map[*Trigger]int
	exact    map[string][]*Trigger
	patterns []*Trigger
	known    map[string][]*Trigger // by the name of an event, as found before
}

// mostNames bounds how many names of events an Index remembers.
const mostNames = 4096

// NewIndex indexes triggers that wait for events.
func NewIndex(leaves []*Trigger) *Index {
	x := &Index{order: map[*Trigger]int{}, exact: map[string][]*Trigger{}, known: map[string][]*Trigger{}}
	for i, t := range leaves {
		x.order[t] = i
		if isExact(t.names()) {
			for _, name := range t.names() {
				x.exact[name] = append(x.exact[name], t)
			}
			continue
		}
		x.patterns = append(x.patterns, t)
	}
	return x
}

func isExact(names []string) bool {
	for _, name := range names {
		if strings.ContainsAny(name, "*?[") {
			return false
		}
	}
	return true
}

// Named lists the triggers that events of that name may matter to, in their order.
func (x *Index) Named(name string) []*Trigger {
	if list, ok := x.known[name]; ok {
		return list
	}
	var list []*Trigger
	for _, t := range slices.Concat(x.exact[name], x.patterns) {
		if t.namesEvent(name) {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b *Trigger) int { return x.order[a] - x.order[b] })
	list = slices.Compact(list)
	if len(x.known) >= mostNames {
		clear(x.known)
	}
	x.known[name] = list
	return list
}

// Covering lists the triggers that an event matters to.
func (x *Index) Covering(e *api.ReceivedEvent) []*Trigger {
	var out []*Trigger
	for _, t := range x.Named(e.Event) {
		if t.coversResources(e) && !t.isEcho(e) {
			out = append(out, t)
		}
	}
	return out
}
