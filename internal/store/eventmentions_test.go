package store_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/filter"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

// Whether events are found by what they mention or by their times, each filter finds those
// that it matches.
func TestEventsAreFoundByWhatTheyMention(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long", 3000)
	resource := func(n int) string {
		return []string{"rare." + fmt.Sprint(n), "thing." + fmt.Sprint(n%7), "all", long}[n%4]
	}
	var events []*api.ReceivedEvent
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 300 {
		e := &api.ReceivedEvent{
			ID: uuid.New(), Occurred: api.At(start.Add(time.Duration(rand.IntN(1000)) * time.Second)), Event: fmt.Sprint("kind.", i%11),
			Resource: api.Resource{"prefect.resource.id": resource(i)},
		}
		for k := range i % 3 {
			e.Related = append(e.Related, api.RelatedResource{"prefect.resource.id": resource(i + k + 1), "prefect.resource.role": fmt.Sprint("role", k)})
		}
		events = append(events, e)
	}
	filters := []filter.Event{
		{}, {Name: &api.EventNameFilter{Name: []string{"kind.3", "kind.4"}}},
		{Resource: filter.Resources{IDs: []string{"rare.8"}}}, {Resource: filter.Resources{IDs: []string{long, "none"}}},
		{Any: []filter.Resources{{IDs: []string{"rare.8"}}}}, {Any: []filter.Resources{{IDs: []string{"all"}}, {IDs: []string{"thing.3", "rare.12"}}}},
		{Any: []filter.Resources{{Prefixes: []string{"rare.1"}}}},
		{Related: []filter.Related{{IDs: []string{"all", "rare.16"}}}}, {Related: []filter.Related{{IDs: []string{"all"}, Roles: []string{"role1"}}}},
		{Related: []filter.Related{{Pairs: [][2]string{{"thing.2", "role0"}, {"all", "role1"}}}}}, {Related: []filter.Related{{Roles: []string{"role1"}}}},
		{Name: &api.EventNameFilter{Name: []string{"kind.1"}}, Any: []filter.Resources{{IDs: []string{"none"}}}},
	}
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		for rest := events; len(rest) > 0; {
			n := min(77, len(rest))
			storetest.Write(t, s, func(tx *store.Tx) error {
				_, err := tx.InsertEvents(rest[:n])
				return err
			})
			rest = rest[n:]
		}
		if s.Dialect().Name() == "sqlite" {
			for want, f := range map[string]filter.Event{
				"event USING INTEGER PRIMARY KEY (rowid=?)": {Since: &start, Any: []filter.Resources{{IDs: []string{"rare.8"}}}},
				"ix_event_occurred":                         {Since: &start, Related: []filter.Related{{Roles: []string{"role1"}}}},
				"uq_event_id":                               {Since: &start, IDs: []uuid.UUID{{1}}, Resource: filter.Resources{IDs: []string{"all"}}},
			} {
				var sql string
				var args []any
				storetest.Read(t, s, func(tx *store.Tx) (err error) { sql, args, err = tx.EventsSQL(&f); return err })
				if plan := storetest.Plan(t, s, sql, args...); !strings.Contains(plan, want) {
					t.Errorf("not by %s:\n%s", want, plan)
				}
			}
		}
		for i := range filters {
			f := &filters[i]
			var want, got []string
			for _, e := range events {
				if f.Matches(e) {
					want = append(want, e.ID.String())
				}
			}
			storetest.Read(t, s, func(tx *store.Tx) error {
				return tx.EachEvent(f, api.EventOrderAsc, func(e *api.ReceivedEvent) error {
					if f.Matches(e) {
						got = append(got, e.ID.String())
					}
					return nil
				})
			})
			if f.IsPlain() {
				storetest.Read(t, s, func(tx *store.Tx) error {
					n, err := tx.CountEvents(f)
					if n != len(want) {
						t.Errorf("filter %d: %d events are counted, want %d", i, n, len(want))
					}
					return err
				})
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(want, got) {
				t.Errorf("filter %d finds %d events, want %d", i, len(got), len(want))
			}
		}
	})
}

// Events that come a few at a time, in two workspaces, are found at any moment, whether they
// were mentioned yet or not, and so is what was written many at once in between. The longest
// tail is mentioned by itself.
func TestEventsOfTheTailAreFound(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		workspaces := []uuid.UUID{{}, uuid.New()}
		storetest.Write(t, s, func(tx *store.Tx) error { workspaces[0] = tx.Workspace(); return nil })
		written := map[string]int{} // how often a resource was, by workspace
		thing := func(n int) string { return fmt.Sprint("thing.", n%5) }
		write := func(number, n int) {
			var events []*api.ReceivedEvent
			workspace := workspaces[rand.IntN(2)]
			for i := range n {
				events = append(events, &api.ReceivedEvent{
					ID: uuid.New(), Occurred: api.At(time.UnixMicro(int64(number))), Event: "kind", Resource: api.Resource{"prefect.resource.id": thing(i)},
					Related: []api.RelatedResource{{"prefect.resource.id": thing(i + 1), "prefect.resource.role": "r"}},
				})
				written[workspace.String()+thing(i)]++
				written[workspace.String()+thing(i+1)]++
			}
			err := s.Write(t.Context(), workspace, func(tx *store.Tx) error {
				fresh, err := tx.InsertEvents(append(events, events[0]))
				if len(fresh) != n {
					t.Errorf("%d of %d are new", len(fresh), n)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		check := func() {
			t.Helper()
			for _, workspace := range workspaces {
				for i := range 5 {
					f := filter.Event{Any: []filter.Resources{{IDs: []string{thing(i)}}}}
					err := s.Read(t.Context(), workspace, func(tx *store.Tx) error {
						n, err := tx.CountEvents(&f)
						if want := written[workspace.String()+thing(i)]; n != want {
							t.Errorf("%d events of %s are found, want %d", n, thing(i), want)
						}
						return err
					})
					if err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		for i := range 150 {
			write(i, []int{1, 1, 3, 5, 40}[rand.IntN(5)])
			if i%25 == 0 {
				check()
			}
		}
		check()
		var tail int
		storetest.Read(t, s, func(tx *store.Tx) error {
			return tx.QueryRow("select count(*) from event where seq > coalesce((select seq from event_cursor where consumer = 'mentions'), seq)", nil, &tail)
		})
		if tail > 256 {
			t.Errorf("%d events are not mentioned", tail)
		}
		for _, workspace := range workspaces {
			err := s.Write(t.Context(), workspace, func(tx *store.Tx) error {
				_, err := tx.DeleteEvents("", api.At(time.Unix(1, 0)), 100_000)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		storetest.Read(t, s, func(tx *store.Tx) error { return tx.QueryRow("select count(*) from event_mention", nil, &tail) })
		if tail != 0 {
			t.Errorf("%d mentions of nothing are left", tail)
		}
	})
}

// A server of the version before, which may still run beside this one, writes its events
// so that they are found.
func TestEventsOfTheVersionBeforeAreFound(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		id := uuid.New()
		storetest.Write(t, s, func(tx *store.Tx) error {
			if _, err := tx.Exec("insert into event (workspace_id, id, occurred, received, event, resource_id, resource, related, related_resource_ids, payload) values (?, ?, 1, 1, 'e', 'r', '{}', '[]', '[]', '{}')", tx.Workspace(), id); err != nil {
				return err
			}
			_, err := tx.Exec("insert into event_resource (workspace_id, event_id, position, occurred, resource_id, resource_role, resource) values (?, ?, 0, 1, 'r', '', '{}')", tx.Workspace(), id)
			return err
		})
		for _, f := range []filter.Event{{Resource: filter.Resources{IDs: []string{"r"}}}, {Name: &api.EventNameFilter{Name: []string{"e"}}}} {
			storetest.Read(t, s, func(tx *store.Tx) error {
				n, err := tx.CountEvents(&f)
				if n != 1 {
					t.Errorf("%d events are found", n)
				}
				return err
			})
		}
	})
}

// The first event of some names is found whether it was mentioned at once or is in the tail,
// and not by looking at all the others.
func TestFirstEventAfterAPlace(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLiteURL(t))
	places := map[uuid.UUID]store.Place{}
	add := func(names ...string) (first uuid.UUID) {
		ids := make([]uuid.UUID, len(names))
		storetest.Write(t, s, func(tx *store.Tx) error {
			events := make([]*api.ReceivedEvent, len(names))
			for i, name := range names {
				ids[i] = uuid.New()
				events[i] = &api.ReceivedEvent{ID: ids[i], Event: name, Resource: api.Resource{"prefect.resource.id": "one"}}
			}
			_, err := tx.InsertEvents(events)
			return err
		})
		storetest.Read(t, s, func(tx *store.Tx) error {
			found, err := tx.EventPlaces(ids)
			maps.Copy(places, found)
			return err
		})
		return ids[0]
	}
	many := slices.Repeat([]string{"other"}, 100)
	add(many...)
	first := add(append([]string{"wanted"}, many...)...)
	second := add("rare")
	add("other")
	for at, want := range map[store.Place]store.Place{{}: places[first], places[first]: places[second], places[second]: {}} {
		storetest.Read(t, s, func(tx *store.Tx) error {
			got, err := tx.FirstEventAfter(at, []string{"rare", "wanted"})
			if got != want || errors.Is(err, store.ErrNoRows) != (want == store.Place{}) {
				t.Errorf("behind %v it is %v, %v; want %v", at, got, err, want)
			}
			return nil
		})
	}
}
