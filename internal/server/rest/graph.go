package rest

import (
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var graphRoutes = []route{
	{api.OpReadFlowRunGraphV1, "see_flows", small, readDependencies},
	{api.OpReadFlowRunGraphV2, "see_flows", small, readGraph},
}

func readDependencies(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	list, err := c.Dependencies(r.Context(), r.who, id)
	return give(http.StatusOK, list, err)
}

func readGraph(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	since, err := r.queryTime("since")
	if err != nil {
		return answer{}, err
	}
	g, err := c.Graph(r.Context(), r.who, id, since)
	return give(http.StatusOK, g, err)
}

// queryTime reads a query parameter that is a time; absent it is the earliest.
func (r *request) queryTime(name string) (at api.Time, err error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return at, nil
	}
	if at, err = api.ParseTime(text); err == nil {
		return at, nil
	}
	quoted, failed := jsontext.AppendQuote(nil, text)
	if failed != nil {
		return at, failed
	}
	return at, api.Invalid(jsontext.Value("null"), api.Violation{
		Type: "datetime_from_date_parsing", Loc: []any{"query", name}, Msg: "Input should be a valid datetime", Input: quoted,
	})
}
