package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

func TestEventsAreNewOnce(t *testing.T) {
	t.Parallel()
	named := func(n byte, name string) *api.ReceivedEvent {
		return &api.ReceivedEvent{
			ID: uuid.UUID{n}, Event: name, Resource: api.Resource{"prefect.resource.id": name},
			Related: []api.RelatedResource{{"prefect.resource.id": "r", "prefect.resource.role": "role"}},
		}
	}
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		batches := []struct {
			events []*api.ReceivedEvent
			fresh  []string
		}{
			{[]*api.ReceivedEvent{named(1, "a"), named(2, "b"), named(1, "again"), named(3, "c")}, []string{"a", "b", "c"}},
			{[]*api.ReceivedEvent{named(3, "again"), named(4, "d"), named(2, "again")}, []string{"d"}},
			{[]*api.ReceivedEvent{named(4, "again")}, nil},
			{nil, nil},
		}
		for _, b := range batches {
			var got []string
			storetest.Write(t, s, func(tx *store.Tx) error {
				fresh, err := tx.InsertEvents(b.events)
				for _, e := range fresh {
					got = append(got, e.Event)
				}
				return err
			})
			if diff := cmp.Diff(b.fresh, got); diff != "" {
				t.Errorf("new events (-want +got):\n%s", diff)
			}
		}
		var events, mentions int
		storetest.Write(t, s, func(tx *store.Tx) error { return tx.MentionEvents(nil) })
		storetest.Read(t, s, func(tx *store.Tx) error {
			return tx.QueryRow("select (select count(*) from event), (select count(distinct term) from event_mention where term <> 'e:again')", nil, &events, &mentions)
		})
		if events != 4 || mentions != 9 {
			t.Errorf("%d events and %d mentioned terms are stored, want 4 and 9", events, mentions)
		}
	})
}
