package web

import (
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/origin"
)

// Options say what pages are served, and how.
type Options struct {
	Off      bool   // nothing but the page of our own
	V1, V2   string // folders of the prebuilt interfaces, "" for none
	Base     string // the path they are served below
	APIURL   string // what pages call, "" for the same origin
	PreferV1 bool
	Private  bool // nobody sees anything without signing in
	// SignedIn says whether a browser may see the interfaces; others are sent to sign in. nil
	// lets every one.
	SignedIn func(*http.Request) bool
}

// Site serves everything that is not the API.
type Site struct {
	core    *core.Core
	options Options
	v1, v2  *bundle // nil when there is none
	bases   [2]string
}

// New makes the site.
func New(c *core.Core, o Options) *Site {
	s := &Site{core: c, options: o}
	s.bases[0], s.bases[1] = bases(o.Base)
	if !o.Off && o.V1 != "" {
		s.v1 = &bundle{version: "v1", base: s.bases[0], files: os.DirFS(o.V1)}
	}
	if !o.Off && o.V2 != "" {
		s.v2 = &bundle{version: "v2", base: s.bases[1], files: os.DirFS(o.V2)}
	}
	return s
}

// bases are the paths of the two interfaces: /v2 is below the first's, which may be named by it.
func bases(configured string) (v1, v2 string) {
	base := "/" + strings.Trim(configured, "/")
	if prefix, named := strings.CutSuffix(base, "/v2"); named {
		return "/" + strings.Trim(prefix, "/"), base
	}
	return base, strings.TrimSuffix(base, "/") + "/v2"
}

// available are the interfaces that there are, v1 first.
func (s *Site) available() (out []*bundle) {
	for _, b := range []*bundle{s.v1, s.v2} {
		if b != nil {
			out = append(out, b)
		}
	}
	return out
}

// preferred is the interface that a visitor wants, by cookie or else by the settings.
func (s *Site) preferred(r *http.Request) *bundle {
	wanted := "v2"
	if s.options.PreferV1 {
		wanted = "v1"
	}
	all := s.available()
	if cookie, err := r.Cookie("prefect_ui_version"); err == nil && slices.ContainsFunc(all, func(b *bundle) bool { return b.version == cookie.Value }) {
		wanted = cookie.Value
	}
	if i := slices.IndexFunc(all, func(b *bundle) bool { return b.version == wanted }); i >= 0 {
		return all[i]
	}
	return all[0]
}

// ServeHTTP finds the interface, the file or the page that a path asks for.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Referrer-Policy", "same-origin")
	switch {
	case r.URL.Path == strings.TrimSuffix(s.bases[0], "/")+"/ui-settings":
		s.settings(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		notFound(w)
	case len(s.available()) == 0:
		s.page(w, r)
	default:
		s.bundled(w, r)
	}
}

func notFound(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusNotFound)
	w.Write([]byte(`{"detail":"Not Found"}`)) //nolint:errcheck // the client is gone; nobody is left to tell
}

// bundled serves files of the interfaces, and their page wherever a browser navigates. The
// page may call the API and nobody else: it would report its use to a service outside.
func (s *Site) bundled(w http.ResponseWriter, r *http.Request) {
	b := s.v1
	second := s.v2 != nil && (r.URL.Path == s.bases[1] || strings.HasPrefix(r.URL.Path, s.bases[1]+"/"))
	if second {
		b = s.v2
	}
	if b != nil {
		if name, ok := b.find(r.URL.Path); ok && name != "index.html" {
			b.serve(w, r, name)
			return
		}
	}
	if !isNavigation(r) {
		notFound(w)
		return
	}
	if s.options.SignedIn != nil && !s.options.SignedIn(r) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Location", "/auth/login?next="+url.QueryEscape(origin.Path(r, r.URL.RequestURI())))
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	root := strings.TrimSuffix(s.bases[0], "/") + "/"
	switch preferred := s.preferred(r); {
	case r.URL.Path == root && preferred.version == "v2", b == nil:
		redirect(w, r, preferred.prefix()+"/"+strings.TrimPrefix(r.URL.Path, root))
	case second && r.URL.Path == s.bases[1]:
		redirect(w, r, s.bases[1]+"/")
	default:
		w.Header().Set("Content-Security-Policy", "connect-src 'self' "+s.options.APIURL)
		b.serve(w, r, "index.html")
	}
}

func redirect(w http.ResponseWriter, r *http.Request, to string) {
	to = origin.Path(r, to)
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// isNavigation says that a browser asks for a page, which the interface makes itself.
func isNavigation(r *http.Request) bool {
	dest := r.Header.Get("Sec-Fetch-Dest")
	return r.Header.Get("Sec-Fetch-Mode") == "navigate" || dest == "document" || dest == "iframe" ||
		strings.Contains(strings.ToLower(r.Header.Get("Accept")), "text/html")
}

// uiSettings is what the interfaces ask first.
type uiSettings struct {
	APIURL       string   `json:"api_url"`
	CSRFEnabled  bool     `json:"csrf_enabled"`
	Auth         *string  `json:"auth"`
	Flags        []string `json:"flags"`
	DefaultUI    *string  `json:"default_ui"` // null without any
	AvailableUIs []string `json:"available_uis"`
	V1BaseURL    *string  `json:"v1_base_url"`
	V2BaseURL    *string  `json:"v2_base_url"`
}

func (s *Site) settings(w http.ResponseWriter, r *http.Request) {
	out := uiSettings{APIURL: s.options.APIURL, CSRFEnabled: s.core.Guards.CSRFLife > 0, Flags: []string{}, AvailableUIs: []string{}}
	if out.APIURL == "" {
		out.APIURL = origin.Path(r, origin.API)
	}
	if s.core.Guards.Guarded() {
		basic := "BASIC"
		out.Auth = &basic
	}
	for _, b := range s.available() {
		out.AvailableUIs = append(out.AvailableUIs, b.version)
		out.DefaultUI = &b.version
		if b.version == "v1" {
			out.V1BaseURL = &b.base
		} else {
			out.V2BaseURL = &b.base
		}
	}
	if s.options.PreferV1 && s.v1 != nil {
		out.DefaultUI = &s.v1.version
	}
	w.Header().Set("Content-Type", "application/json")
	json.MarshalWrite(w, out) //nolint:errcheck // the client is gone; nobody is left to tell
}
