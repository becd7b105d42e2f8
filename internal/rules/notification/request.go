package notification

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
)

// Request is one call to be made.
type Request struct {
	Method string
	URL    string
	Header map[string]string
	Body   string
}

// Message is what is to be told.
type Message struct {
	Subject, Body string
	At            time.Time
}

// sender is how the services see us; integrations of users look for it.
const sender = "Prefect Notifications"

// fields are the data of a block document.
type fields map[string]any

func (f fields) text(name, otherwise string) string {
	switch v := f[name].(type) {
	case string:
		if v != "" {
			return v
		}
	case float64, int64, int:
		return fmt.Sprint(v)
	}
	return otherwise
}

func (f fields) flag(name string, otherwise bool) bool {
	if v, ok := f[name].(bool); ok {
		return v
	}
	return otherwise
}

func (f fields) list(name string) (out []string) {
	items, _ := f[name].([]any)
	for _, item := range items {
		if text, ok := item.(string); ok {
			out = append(out, text)
		}
	}
	return out
}

func (f fields) object(name string) map[string]any {
	v, _ := f[name].(map[string]any)
	return v
}

func (f fields) kind() string { return f.text("notify_type", "info") }

// icon is the picture of a kind of message.
func (f fields) icon(size string) string {
	return "https://github.com/caronc/apprise/raw/master/apprise/assets/themes/default/apprise-" + f.kind() + "-" + size + ".png"
}

// whole is the message for services that know no subjects.
func (m Message) whole() string {
	if m.Subject == "" {
		return m.Body
	}
	return m.Subject + "\r\n" + m.Body
}

// post is a request with JSON.
func post(to, as string, payload any, header map[string]string) Request {
	body, err := json.Marshal(payload, json.Deterministic(true))
	if err != nil {
		body = []byte("null") // what is read from JSON can be written as JSON
	}
	all := map[string]string{"User-Agent": as, "Content-Type": "application/json"}
	maps.Copy(all, header)
	return Request{Method: "POST", URL: to, Header: all, Body: string(body)}
}

func encodeForm(values map[string]string) string {
	form := url.Values{}
	for name, value := range values {
		form.Set(name, value)
	}
	return form.Encode()
}

// Known are the types of blocks that a message can be sent with.
func Known() []string { return slices.Sorted(maps.Keys(services())) }

// Requests are the calls that tell a service of a message.
func Requests(blockType string, data map[string]any, m Message) ([]Request, error) {
	make, ok := services()[blockType]
	if !ok {
		return nil, fmt.Errorf("blocks of the type %q send no notifications", blockType)
	}
	return make(data, m)
}

func services() map[string]func(fields, Message) ([]Request, error) {
	return map[string]func(fields, Message) ([]Request, error){
		"slack-webhook":      slack,
		"ms-teams-webhook":   teams,
		"pager-duty-webhook": pagerDuty,
		"twilio-sms":         twilio,
		"opsgenie-webhook":   opsgenie,
		"mattermost-webhook": mattermost,
		"discord-webhook":    discord,
		"sendgrid-email":     sendgrid,
		"custom-webhook":     custom,
	}
}
