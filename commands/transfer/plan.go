package transfer

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

// Status says what became of an object, or what would.
type Status string

// The statuses.
const (
	Due    Status = "to copy"
	Copied Status = "copied"
	Left   Status = "left"
	Failed Status = "failed"
)

func (s Status) tone() output.Tone {
	switch s {
	case Copied:
		return output.Good
	case Failed:
		return output.Bad
	case Left:
		return output.Dim
	case Due:
	}
	return output.Plain
}

// result is a line of the table.
type result struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Status  Status `json:"status"`
	Details string `json:"details"`
}

// item is an object of the source.
type item struct {
	result

	id    uuid.UUID   // at the source
	needs []uuid.UUID // ids at the source of what has to be there first
	// create makes it at the target and returns its id there.
	create func(ctx context.Context) (uuid.UUID, error)
}

// plan is everything that the source has, in an order in which it can be made.
type plan struct {
	source, target *client.Client
	items          []*item
	ids            map[uuid.UUID]uuid.UUID // of objects at the source, those at the target
}

func (p *plan) add(i *item) { p.items = append(p.items, i) }

// leave notes an object that stays, with the reason; at is its like at the target, if it is
// there.
func (p *plan) leave(kind, name string, id, at uuid.UUID, reason string) {
	if at != uuid.Nil {
		p.ids[id] = at
	}
	p.add(&item{result: result{Kind: kind, Name: name, Status: Left, Details: reason}, id: id})
}

// there is the reason of most that stays.
const there = "is there already"

// copy notes an object that is to be made, unless the target has one of its name.
func (p *plan) copy(kind, name string, id uuid.UUID, existing map[string]uuid.UUID, needs []uuid.UUID, create func(context.Context) (uuid.UUID, error)) {
	if at, ok := existing[name]; ok {
		p.leave(kind, name, id, at, there)
		return
	}
	p.add(&item{result: result{Kind: kind, Name: name, Status: Due}, id: id, needs: needs, create: create})
}

func (p *plan) count(status Status) int {
	n := 0
	for _, i := range p.items {
		if i.Status == status {
			n++
		}
	}
	return n
}

func (p *plan) due() int { return p.count(Due) }

func (p *plan) results() []result {
	list := make([]result, len(p.items))
	for n, i := range p.items {
		list[n] = i.result
	}
	return list
}

// carryOut makes what is due. What fails is noted and the rest goes on, but for what needs it.
func (p *plan) carryOut(ctx context.Context, progress func(done int, what string)) error {
	for n, i := range p.items {
		if i.Status != Due {
			continue
		}
		progress(n, i.Kind+" "+i.Name)
		if missing := p.missing(i.needs); missing != "" {
			i.Status, i.Details = Failed, missing
			continue
		}
		at, err := i.create(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			i.Status, i.Details = Failed, err.Error()
			continue
		}
		i.Status = Copied
		p.ids[i.id] = at
	}
	return nil
}

// missing names what is needed and is not at the target.
func (p *plan) missing(needs []uuid.UUID) string {
	for _, id := range needs {
		if _, ok := p.ids[id]; ok {
			continue
		}
		for _, other := range p.items {
			if other.id == id {
				return "needs " + other.Kind + " " + other.Name + ", which is not there"
			}
		}
		return "needs " + id.String() + ", which the source does not show"
	}
	return ""
}

// translate puts the target's ids in place of the source's.
func (p *plan) translate(text string) string {
	pairs := make([]string, 0, 2*len(p.ids))
	for from, to := range p.ids {
		pairs = append(pairs, from.String(), to.String())
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
