package rest

import (
	"encoding/base64"
	"errors"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/origin"
)

var eventRoutes = []route{
	{api.OpCreateEvents, "manage_events", large, createEvents},
	{api.OpReadEvents, "see_events", small, readEvents},
	{api.OpReadAccountEventsPage, "see_events", small, readEventsPage},
	{api.OpCountAccountEvents, "see_events", small, countEvents},
}

func createEvents(c *core.Core, r *request) (answer, error) {
	var in api.Events
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	events, err := core.ReceivedAll(r.body, in)
	if err != nil {
		return answer{}, err
	}
	if err := r.spendEvents(len(events)); err != nil {
		return answer{}, err
	}
	return none(c.Ingest(r.Context(), r.who, events))
}

// eventPage is the most events of a page.
const eventPage = 50

// pageToken says where the next page of a query begins.
type pageToken struct {
	Filter   jsontext.Value `json:"filter"`
	Count    int            `json:"count"`
	PageSize int            `json:"page_size"`
	Offset   int            `json:"offset"`
}

func readEvents(c *core.Core, r *request) (answer, error) {
	var in api.ReadEventsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	if in.Filter == nil {
		in.Filter = &api.EventFilter{}
	}
	return eventsFrom(c, r, in.Filter, pageToken{PageSize: in.Limit.Or(eventPage), Count: -1})
}

func readEventsPage(c *core.Core, r *request) (answer, error) {
	text := r.URL.Query()["page-token"]
	if len(text) == 0 {
		return answer{}, api.Invalid(jsontext.Value("null"), api.Violation{Type: "missing", Loc: []any{"query", "page-token"}, Msg: "Field required"})
	}
	var at pageToken
	var in api.EventFilter
	if !readToken(text[0], &at) || api.Decode(at.Filter, &in) != nil || at.PageSize < 0 || at.PageSize > eventPage || at.Offset < 0 {
		return answer{}, api.Errorf(api.CodeForbidden, "Forbidden")
	}
	return eventsFrom(c, r, &in, at)
}

func readToken(text string, into any) bool {
	once, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return false
	}
	twice, err := base64.StdEncoding.DecodeString(string(once))
	return err == nil && json.Unmarshal(twice, into) == nil
}

func eventsFrom(c *core.Core, r *request, in *api.EventFilter, at pageToken) (answer, error) {
	q, err := c.ReadEventQuery(in)
	if err != nil {
		return answer{}, err
	}
	events, total, err := c.Events(r.Context(), r.who, q, at.PageSize, at.Offset)
	if err != nil {
		return answer{}, err
	}
	if at.Count < 0 {
		at.Count = total
	}
	page := api.EventPage{Events: events, Total: at.Count}
	if at.Offset += at.PageSize; at.Offset < at.Count {
		page.NextPage, err = nextPage(r, in, at)
	}
	return give(http.StatusOK, page, err)
}

func nextPage(r *request, in *api.EventFilter, at pageToken) (*string, error) {
	var err error
	if at.Filter, err = json.Marshal(in); err != nil {
		return nil, err
	}
	return pageURL(r, "/api/events/filter/next", at)
}

// pageURL is the address of the next page of a list, whose token says where it begins.
func pageURL(r *request, path string, token any) (*string, error) {
	text, err := json.Marshal(token)
	if err != nil {
		return nil, err
	}
	url := origin.URL(r.Request, path) + "?page-token=" + twice(text)
	return &url, nil
}

// twice is how a token is written.
func twice(token []byte) string {
	once := base64.StdEncoding.EncodeToString(token)
	return base64.StdEncoding.EncodeToString([]byte(once))
}

func countEvents(c *core.Core, r *request) (answer, error) {
	var raw jsontext.Value
	if err := r.decode(&raw); err != nil {
		return answer{}, err
	}
	by, wrong := choice[api.Countable](r.PathValue("countable"), "path", "countable")
	var in api.CountAccountEventsRequest
	err := api.Decode(raw, &in)
	if broken := (*api.Error)(nil); wrong != nil && (err == nil || errors.As(err, &broken)) {
		found := []api.Violation{*wrong}
		if broken != nil {
			found = append(found, broken.Violations...)
		}
		return answer{}, api.Invalid(raw, found...)
	}
	if err != nil {
		return answer{}, err
	}
	q, err := c.ReadEventQuery(&in.Filter)
	if err != nil {
		return answer{}, err
	}
	counts, err := c.CountEvents(r.Context(), r.who, q, by, in.TimeUnit.Or(api.TimeUnitDay), float64(in.TimeInterval.Or(1)))
	return give(http.StatusOK, counts, err)
}

func quoted(text string) jsontext.Value {
	out, err := jsontext.AppendQuote(nil, text)
	if err != nil {
		return nil // a path is valid UTF-8, so it can't be
	}
	return out
}
