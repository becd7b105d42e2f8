package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
)

// allPages reads a filter to its end: by offset where it answers a list, by the link to
// the next page where it answers events.
func (o *options) allPages(ctx context.Context, c *client.Client, request client.Request) (jsontext.Value, error) {
	if request.Method != http.MethodPost {
		return nil, cli.Usagef("--paginate is for POST: filters are what has pages")
	}
	body := map[string]jsontext.Value{}
	if err := json.Unmarshal(request.Body, &body); err != nil {
		return nil, cli.Usagef("--paginate needs a body that is an object")
	}
	if strings.Contains(request.Path, "/events/") {
		return o.linkedPages(ctx, c, request)
	}
	all := []jsontext.Value{}
	for {
		size, err := setPage(body, len(all))
		if err != nil {
			return nil, err
		}
		if request.Body, err = json.Marshal(body, json.Deterministic(true)); err != nil {
			return nil, err
		}
		answer, err := o.send(ctx, c, request)
		if err != nil {
			return nil, err
		}
		var page []jsontext.Value
		if err := json.Unmarshal(answer.Body, &page); err != nil {
			return nil, cli.Usagef("%s does not answer with a list, so it has no pages", request.Path)
		}
		all = append(all, page...)
		if len(page) < size {
			return json.Marshal(all)
		}
	}
}

// setPage writes limit and offset into the body and returns the limit.
func setPage(body map[string]jsontext.Value, offset int) (size int, err error) {
	size = find.PageSize
	if given, ok := body["limit"]; ok {
		if err := json.Unmarshal(given, &size); err != nil || size < 1 {
			return 0, cli.Usagef("the limit must be a whole number above 0")
		}
	} else if body["limit"], err = json.Marshal(size); err != nil {
		return 0, err
	}
	body["offset"], err = json.Marshal(offset)
	return size, err
}

func (o *options) linkedPages(ctx context.Context, c *client.Client, request client.Request) (jsontext.Value, error) {
	all := []jsontext.Value{}
	for {
		answer, err := o.send(ctx, c, request)
		if err != nil {
			return nil, err
		}
		var page struct {
			Events []jsontext.Value `json:"events"`
			Next   *string          `json:"next_page"`
		}
		if err := json.Unmarshal(answer.Body, &page); err != nil {
			return nil, cli.Usagef("%s does not answer with pages of events", request.Path)
		}
		all = append(all, page.Events...)
		if page.Next == nil {
			return json.Marshal(all)
		}
		_, query, _ := strings.Cut(*page.Next, "?")
		request = client.Request{Method: http.MethodGet, Path: "/events/filter/next?" + query, Header: request.Header}
	}
}
