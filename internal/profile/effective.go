package profile

import (
	"net/url"
	"strings"
	"time"
)

// Value is a setting with what it is set to. The accessors return the zero value
// for text of the wrong type, which Settings.Check has reported.
type Value struct {
	Setting  Setting
	Text     string
	Source   Source
	Variable string // the spelling that was found, "" for a default
}

// IsSet reports whether there is any value.
func (v Value) IsSet() bool { return v.Text != "" }

// Bool is the value of a Bool setting.
func (v Value) Bool() bool {
	b, err := parseBool(v.Text)
	return err == nil && b
}

// Int is the value of an Int setting.
func (v Value) Int() int {
	n, err := parseInt(v.Text)
	if err != nil {
		return 0
	}
	return n
}

// Float is the value of a Float setting.
func (v Value) Float() float64 {
	f, err := parseFloat(v.Text)
	if err != nil {
		return 0
	}
	return f
}

// Duration is the value of a Duration setting, or of a number of seconds.
func (v Value) Duration() time.Duration {
	d, err := parseDuration(v.Text)
	if err != nil {
		return 0
	}
	return d
}

// List is the value of a List or Set setting.
func (v Value) List() []string { return parseList(v.Text) }

// Map is the value of a Map setting.
func (v Value) Map() map[string]string {
	m, err := parseMap(v.Text)
	if err != nil {
		return nil
	}
	return m
}

// mask is shown in place of a secret.
const mask = "********"

// Shown is the text as it may be printed: a secret is masked, and so is the password in a URL.
func (v Value) Shown() string {
	if v.Setting.Kind == Secret {
		return mask
	}
	return withoutPassword(v.Text)
}

func withoutPassword(text string) string {
	if !strings.Contains(text, "://") || !strings.Contains(text, "@") {
		return text
	}
	u, err := url.Parse(text)
	if err != nil || u.User == nil {
		return text
	}
	if _, has := u.User.Password(); !has {
		return text
	}
	return strings.Replace(u.Redacted(), ":xxxxx@", ":"+mask+"@", 1)
}

// Masked returns the entry's value as it may be printed.
func (e Entry) Masked() string {
	setting, _ := Find(e.Name)
	return Value{Setting: setting, Text: e.Value}.Shown()
}

// ServerType says what kind of API the settings lead to.
type ServerType string

// The server types. Ephemeral and Unconfigured both have no URL: usher then
// talks to the address where its own server listens by default.
const (
	Ephemeral    ServerType = "ephemeral"
	Unconfigured ServerType = "unconfigured"
	Server       ServerType = "server"
	Cloud        ServerType = "cloud"
)

// DefaultAPIURL is where usher server start listens when nothing is set.
const DefaultAPIURL = "http://127.0.0.1:4200/api"

// ServerType follows from the API URL.
func (s *Settings) ServerType() ServerType {
	url := s.Value("PREFECT_API_URL").Text
	switch {
	case url == "" && s.Value("PREFECT_SERVER_EPHEMERAL_ENABLED").Bool():
		return Ephemeral
	case url == "":
		return Unconfigured
	case strings.HasPrefix(url, s.Value("PREFECT_CLOUD_API_URL").Text):
		return Cloud
	}
	return Server
}

// APIURL is the URL of the API to talk to, without a slash at its end.
func (s *Settings) APIURL() string {
	if url := s.Value("PREFECT_API_URL").Text; url != "" {
		return strings.TrimRight(url, "/")
	}
	return DefaultAPIURL
}

// APIAddress is APIURL as it may be printed.
func (s *Settings) APIAddress() string { return withoutPassword(s.APIURL()) }

// UIURL is the address of the web interface, "" where none is known.
func (s *Settings) UIURL() string {
	if url := s.Value("PREFECT_UI_URL").Text; url != "" {
		return url
	}
	api := s.Value("PREFECT_API_URL").Text
	switch s.ServerType() {
	case Cloud:
		return s.cloudUI(api)
	case Server:
		return strings.TrimSuffix(strings.TrimRight(api, "/"), "/api")
	case Ephemeral, Unconfigured:
	}
	return ""
}

func (s *Settings) cloudUI(api string) string {
	path := strings.TrimPrefix(api, s.Value("PREFECT_CLOUD_API_URL").Text)
	path = strings.NewReplacer("/accounts/", "/account/", "/workspaces/", "/workspace/").Replace(path)
	return s.Value("PREFECT_CLOUD_UI_URL").Text + path
}

// Environ returns what the SDK in a child process needs to see the same
// settings, as NAME=value with Prefect's names.
func (s *Settings) Environ() []string {
	var environ []string
	for _, v := range s.Set() {
		if !v.Setting.Ours {
			environ = append(environ, v.Setting.Name()+"="+v.Text)
		}
	}
	return environ
}
