package trace

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
)

// sendTime bounds how long a collector may take.
const sendTime = 10 * time.Second

func (c *Config) client() *http.Client {
	return &http.Client{
		Timeout:       sendTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the headers are for nobody else
	}
}

// The protocol's shapes: its JSON writes ids as hexadecimal and 64-bit numbers as texts.
type (
	exported struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource   resource     `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	resource struct {
		Attributes []keyValue `json:"attributes"`
	}
	scopeSpans struct {
		Scope scope      `json:"scope"`
		Spans []wireSpan `json:"spans"`
	}
	scope struct {
		Name string `json:"name"`
	}
	wireSpan struct {
		TraceID    string     `json:"traceId"`
		SpanID     string     `json:"spanId"`
		Parent     string     `json:"parentSpanId,omitempty"`
		Name       string     `json:"name"`
		Kind       Kind       `json:"kind"`
		Start      string     `json:"startTimeUnixNano"`
		End        string     `json:"endTimeUnixNano"`
		Attributes []keyValue `json:"attributes"`
		Status     status     `json:"status"`
	}
	status struct {
		Code    int    `json:"code,omitzero"`
		Message string `json:"message,omitempty"`
	}
	keyValue struct {
		Key   string            `json:"key"`
		Value map[string]string `json:"value"`
	}
)

// codeError is the protocol's number for what did not end well.
const codeError = 2

func (s *Span) wire() wireSpan {
	out := wireSpan{
		TraceID: hex.EncodeToString(s.trace[:]), SpanID: hex.EncodeToString(s.id[:]), Name: s.name, Kind: s.kind,
		Start: strconv.FormatInt(s.start.UnixNano(), 10), End: strconv.FormatInt(s.end.UnixNano(), 10), Attributes: keyValues(s.attributes),
	}
	if s.parent != [8]byte{} {
		out.Parent = hex.EncodeToString(s.parent[:])
	}
	if s.failed {
		out.Status = status{codeError, s.problem}
	}
	return out
}

func keyValues(attributes []Attribute) []keyValue {
	out := make([]keyValue, 0, len(attributes))
	for _, a := range attributes {
		kind, text := "stringValue", fmt.Sprint(a.Value)
		if _, isInt := a.Value.(int64); isInt {
			kind = "intValue"
		}
		out = append(out, keyValue{a.Key, map[string]string{kind: text}})
	}
	return out
}

// export posts spans to the collector. Its errors name no headers and no password.
func (t *Tracer) export(ctx context.Context, client *http.Client, batch []*Span) error {
	spans := make([]wireSpan, 0, len(batch))
	for _, s := range batch {
		spans = append(spans, s.wire())
	}
	body, err := json.Marshal(exported{[]resourceSpans{{
		Resource:   resource{keyValues(t.config.Resource)},
		ScopeSpans: []scopeSpans{{Scope: scope{"usher"}, Spans: spans}},
	}}})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.config.Endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, value := range t.config.Headers {
		req.Header.Set(name, value)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		var where *url.Error
		if errors.As(err, &where) {
			return where.Err
		}
		return err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // lets the connection be used again
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("the collector answers %s", res.Status)
	}
	return nil
}
