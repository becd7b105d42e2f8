package notification

import "fmt"

// Webhook is the call that a webhook block describes. A text is sent as it is.
func Webhook(data map[string]any, payload string) Request {
	f := fields(data)
	out := Request{Method: f.text("method", "POST"), URL: f.text("url", ""), Header: map[string]string{}, Body: payload}
	for name, value := range f.object("headers") {
		out.Header[name] = fmt.Sprint(value)
	}
	return out
}
