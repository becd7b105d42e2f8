package filter_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/filter"
)

func TestEventMatches(t *testing.T) {
	t.Parallel()
	e := &api.ReceivedEvent{
		ID: uuid.MustParse("0199d1c0-0000-7000-8000-000000000001"), Event: "prefect.flow-run.Completed",
		Resource: api.Resource{"prefect.resource.id": "prefect.flow-run.1", "prefect.resource.name": "brave/otter"},
		Related: []api.RelatedResource{
			{"prefect.resource.id": "prefect.flow.7", "prefect.resource.role": "flow"},
			{"prefect.resource.id": "prefect.tag.nightly", "prefect.resource.role": "tag"},
		},
		Payload: []byte(`{"note":"All Well"}`),
	}
	cases := map[string]bool{
		`{}`: true,
		`{"event":{"prefix":["prefect.flow-run."]}}`:                                            true,
		`{"event":{"prefix":["prefect.task-run."]}}`:                                            false,
		`{"event":{"exclude_name":["prefect.flow-run.Completed"]}}`:                             false,
		`{"resource":{"id":["prefect.flow-run.1"]}}`:                                            true,
		`{"resource":{"id":["prefect.flow.7"]}}`:                                                false,
		`{"any_resource":{"id":["prefect.flow.7"]}}`:                                            true,
		`{"any_resource":[{"id":["prefect.flow.7"]},{"id_prefix":["prefect.work-pool"]}]}`:      false,
		`{"related":{"role":["tag"],"id":["prefect.tag.nightly"]}}`:                             true,
		`{"related":{"role":["flow"],"id":["prefect.tag.nightly"]}}`:                            false,
		`{"related":{"resources_in_roles":[["prefect.flow.7","flow"]]}}`:                        true,
		`{"resource":{"labels":{"prefect.resource.name":"brave*"}}}`:                            true,
		`{"resource":{"labels":{"prefect.resource.name":["!brave*","x"]}}}`:                     false,
		`{"resource":{"labels":{"missing":"!x"}}}`:                                              false,
		`{"text":{"query":"\"all well\""}}`:                                                     true,
		`{"text":{"query":"-nightly"}}`:                                                         false,
		`{"id":{"id":["0199d1c0-0000-7000-8000-000000000002"]}}`:                                false,
		`{"occurred":{"since":"2000-01-01T00:00:00Z"}}`:                                         false,
		`{"occurred":{"until":"2000-01-01T00:00:00Z"},"resource":{"id_prefix":["prefect.fl"]}}`: true,
	}
	for raw, want := range cases {
		t.Run(raw, func(t *testing.T) {
			t.Parallel()
			var in api.EventFilter
			if err := api.Decode([]byte(raw), &in); err != nil {
				t.Fatal(err)
			}
			f, err := filter.ParseEvent(&in)
			if err != nil {
				t.Fatal(err)
			}
			if got := f.Matches(e); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}
