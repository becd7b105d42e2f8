package rest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/usherhq/usher/internal/store/storetest"
)

// What is no JSON, or not sent as JSON, is told apart from what is wrong JSON, as the
// reference does. A page of another site can send texts and forms to a server on the
// same machine without being asked, so those are never read as JSON.
func TestBodiesThatAreNoRequests(t *testing.T) {
	t.Parallel()
	const (
		missing = `{"exception_message":"Invalid request received.","exception_detail":[{"type":"missing","loc":["body"],"msg":"Field required","input":null}],"request_body":null}`
		foreign = `{"exception_message":"Invalid request received.","exception_detail":[{"type":"model_attributes_type","loc":["body"],"msg":"Input should be a valid dictionary or object to extract fields from","input":"{\"name\":\"a\"}"}],"request_body":"{\"name\":\"a\"}"}`
		broken  = `{"exception_message":"Invalid request received.","exception_detail":[{"type":"json_invalid","loc":["body",8],"msg":"JSON decode error","input":{},"ctx":{"error":"Expecting value"}}],"request_body":"{\"name\":"}`
		noText  = `{"detail":"There was an error parsing the body: it is not UTF-8"}`
	)
	cases := []struct {
		name, path, kind, body string
		status                 int
		answer                 string
	}{
		{"cut off", "/flows/", "application/json", `{"name":`, http.StatusUnprocessableEntity, broken},
		{"nothing", "/flows/", "application/json", ``, http.StatusUnprocessableEntity, missing},
		{"null", "/flows/", "application/json", ` null `, http.StatusUnprocessableEntity, missing},
		{"text", "/flows/", "text/plain", `{"name":"a"}`, http.StatusUnprocessableEntity, foreign},
		{"form", "/flows/", "application/x-www-form-urlencoded", `{"name":"a"}`, http.StatusUnprocessableEntity, foreign},
		{"not UTF-8", "/flows/", "application/json", "{\"name\": \"\xff\"}", http.StatusBadRequest, noText},
		{"NUL", "/flows/", "application/json", `{"name": "a\u0000b"}`, http.StatusUnprocessableEntity, `{"detail":"A text contains the character NUL, which can't be stored."}`},
		{"nothing where all may be left out", "/flow_runs/filter", "", ``, http.StatusOK, `[]`},
		{"null where all may be left out", "/flow_runs/filter", "application/json", `null`, http.StatusOK, `[]`},
		{"text where all may be left out", "/flow_runs/filter", "text/plain", `{"limit":1000}`, http.StatusOK, `[]`},
		{"a kind of JSON", "/flow_runs/filter", "Application/Problem+JSON; charset=utf-8", `{"limit":0}`, http.StatusOK, `[]`},
		{"JSON without a kind", "/flow_runs/count", "", `{}`, http.StatusOK, `0`},
	}
	url := startServer(t, storetest.SQLiteURL(t))
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if c.kind != "" {
				req.Header.Set("Content-Type", c.kind)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			answer, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != c.status || string(answer) != c.answer {
				t.Errorf("got %d %.400s\nwant %d %s", res.StatusCode, answer, c.status, c.answer)
			}
		})
	}
}
