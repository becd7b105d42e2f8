package notification

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var placeholders = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\{\{\s*([\pL\pN_.\-\[\]$]+)\s*\}\}`)
})

// filler puts the message and the block's secrets where the block's fields name them.
type filler struct {
	values map[string]string
	err    error
}

func (f *filler) fill(v any) any {
	switch v := v.(type) {
	case string:
		return placeholders().ReplaceAllStringFunc(v, f.value)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = f.fill(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name := range v {
			out[name] = f.fill(v[name])
		}
		return out
	}
	return v
}

func (f *filler) value(placeholder string) string {
	name := placeholders().FindStringSubmatch(placeholder)[1]
	value, ok := f.values[name]
	if !ok {
		f.err = fmt.Errorf("the block uses {{%s}}: it knows subject, body, name, and the names of its secrets", name)
	}
	return value
}

// custom is a webhook that the user describes.
func custom(f fields, m Message) ([]Request, error) {
	if f["form_data"] != nil && f["json_data"] != nil {
		return nil, errors.New("both `Form Data` and `JSON Data` provided")
	}
	fill := &filler{values: map[string]string{}}
	for name, value := range f.object("secrets") {
		fill.values[name] = fmt.Sprint(value)
	}
	maps.Copy(fill.values, map[string]string{"subject": m.Subject, "body": m.Body, "name": f.text("name", "")})
	filled := fields{}
	for _, name := range []string{"url", "params", "json_data", "form_data", "headers", "cookies"} {
		filled[name] = fill.fill(f[name])
	}
	if fill.err != nil {
		return nil, fill.err
	}
	to, err := withParams(filled.text("url", ""), filled.object("params"))
	if err != nil {
		return nil, err
	}
	out := Request{Method: f.text("method", "POST"), URL: to, Header: map[string]string{"User-Agent": sender}}
	fillBody(&out, filled)
	for name, value := range filled.object("headers") {
		out.Header[name] = fmt.Sprint(value)
	}
	if cookies := filled.object("cookies"); len(cookies) > 0 {
		out.Header["Cookie"] = cookieText(cookies)
	}
	return []Request{out}, nil
}

func withParams(to string, params map[string]any) (string, error) {
	u, err := url.Parse(to)
	if err != nil {
		return "", errors.New("the URL of the block can't be read")
	}
	if params != nil {
		u.RawQuery = encodeForm(texts(params))
	}
	return u.String(), nil
}

func texts(values map[string]any) map[string]string {
	out := make(map[string]string, len(values))
	for name, value := range values {
		out[name] = fmt.Sprint(value)
	}
	return out
}

func fillBody(out *Request, f fields) {
	switch form := f["form_data"].(type) {
	case string:
		out.Body = form
		return
	case map[string]any:
		out.Body = encodeForm(texts(form))
		out.Header["Content-Type"] = "application/x-www-form-urlencoded"
		return
	}
	if f["json_data"] == nil {
		return
	}
	if body, err := json.Marshal(f["json_data"], json.Deterministic(true), jsontext.EscapeForHTML(false)); err == nil {
		out.Body, out.Header["Content-Type"] = string(body), "application/json"
	}
}

func cookieText(cookies map[string]any) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(cookies)) {
		parts = append(parts, name+"="+fmt.Sprint(cookies[name]))
	}
	return strings.Join(parts, "; ")
}
