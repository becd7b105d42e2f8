package notification_test

import (
	"compress/gzip"
	"encoding/json"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/rules/notification"
)

// TestRequestsAreTheReferences compares our requests with those in testdata: see record.py.
func TestRequestsAreTheReferences(t *testing.T) {
	t.Parallel()
	var cases []struct {
		Block, Subject, Body string
		Data                 map[string]any
		Sent                 []call
	}
	file, err := os.Open("testdata/requests.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(unpacked).Decode(&cases); err != nil || len(cases) < 100 {
		t.Fatal(len(cases), err)
	}
	for _, c := range cases {
		requests, err := notification.Requests(c.Block, c.Data, notification.Message{Subject: c.Subject, Body: c.Body, At: time.UnixMicro(0)})
		if err != nil {
			t.Errorf("%s %v: %v", c.Block, c.Data, err)
			continue
		}
		if diff := cmp.Diff(byBody(c.Sent), byBody(calls(requests))); diff != "" {
			t.Errorf("%s %v:\n%s", c.Block, c.Data, diff)
		}
	}
}

// call is a request as it can be compared.
type call struct {
	Method, URL, Body string
	Headers           map[string]string
	JSON              any `json:"-"`
}

func calls(requests []notification.Request) (out []call) {
	for _, r := range requests {
		out = append(out, call{r.Method, r.URL, r.Body, r.Header, nil})
	}
	return out
}

// byBody gives each request below its text: their order means nothing.
func byBody(list []call) map[string]call {
	out := map[string]call{}
	for _, c := range list {
		headers := http.Header{}
		for name, value := range c.Headers {
			headers.Set(name, value)
		}
		c.Headers = map[string]string{}
		for name := range headers {
			c.Headers[name] = headers.Get(name)
		}
		if json.Unmarshal([]byte(c.Body), &c.JSON) == nil {
			plain, _ := json.Marshal(c.JSON)
			c.Body = string(plain)
		}
		out[c.Body] = c
	}
	return out
}

func TestBlocksThatSendNothingSayWhy(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]struct {
		block string
		data  map[string]any
	}{
		`blocks of the type "json" send no notifications`:                                               {"json", nil},
		"the URL of the block is none of Slack's: it begins with https://hooks.slack.com/services/":     {"slack-webhook", map[string]any{"url": "https://evil.example/services/a/b/c"}},
		"the URL of the block is no workflow of Microsoft Teams': it holds /workflows/ and a signature": {"ms-teams-webhook", map[string]any{"url": "https://x.example/"}},
		"both `Form Data` and `JSON Data` provided":                                                     {"custom-webhook", map[string]any{"url": "https://x.example", "form_data": "a", "json_data": map[string]any{}}},
		"the block uses {{nope}}: it knows subject, body, name, and the names of its secrets":           {"custom-webhook", map[string]any{"url": "https://x.example/{{nope}}"}},
		"the block names no phone number to write to":                                                   {"twilio-sms", map[string]any{"account_sid": "AC1"}},
	} {
		if _, err := notification.Requests(c.block, c.data, notification.Message{Body: "x"}); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", c.block, err, want)
		}
	}
}
