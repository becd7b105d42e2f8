package pages

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/usherhq/usher/internal/server/signin"
)

//go:embed *.html client.js second.js
var files embed.FS

//go:embed style.css
var style string

// drawn is what pages are made of; it is read when the first page is shown.
type drawn struct {
	templates map[string]*template.Template
	styleHash string // as a content security policy names it
}

var draw = sync.OnceValue(func() drawn {
	sum := sha256.Sum256([]byte(style))
	out := drawn{map[string]*template.Template{}, "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"}
	for _, name := range []string{"login", "sent", "verify", "code", "message", "consent", "device", "account", "sso", "organization", "second", "factors", "password", "ownpassword"} {
		t := template.New(name).Funcs(template.FuncMap{"when": when, "style": func() template.CSS { return template.CSS(style) }}) //nolint:gosec // it is compiled in
		template.Must(t.Parse(`{{define "csrf"}}<input type="hidden" name="csrf" value="{{.CSRF}}">{{end}}`))
		out.templates[name] = template.Must(t.ParseFS(files, "base.html", name+".html"))
	}
	return out
})

type link struct{ URL, Text string }

type field struct{ Name, Value string }

// page is what a template is filled with; each uses some of it.
type page struct {
	Title, Site, CSRF, Problem, Script string
	Visitor                            *signin.Visitor
	Wide                               bool
	// connect and answer are what the page may call, and where its forms may lead.
	connect, answer string

	Text, Key string
	Link      *link

	Email, Next string
	Minutes     int
	Providers   []provider

	Token, At, Code string
	Asked           *signin.Link

	Program, Port, KeyName, Holds, Action, Callback string
	Fields                                          []field

	UserCode string
	Waiting  *signin.Waiting

	Go  string // where the page leads by itself
	Org *organization

	Half    *signin.Half
	Factors *factors

	Passwords bool // people may have one
	Password  signin.PasswordInfo

	*account
}

// provider is another place to sign in at.
type provider struct{ ID, Name string }

// show renders a page. It may load nothing but what is in it, call nobody and be framed
// nowhere, but for what it says.
func (h *Handler) show(w http.ResponseWriter, r *http.Request, status int, name string, p *page) {
	p.Site = h.service.Host()
	p.CSRF = h.csrf(w, r)
	var body bytes.Buffer
	if err := draw().templates[name].ExecuteTemplate(&body, "base", p); err != nil {
		h.log.ErrorContext(r.Context(), "a page can't be shown", "page", name, "error", err)
		http.Error(w, "the page can't be shown", http.StatusInternalServerError)
		return
	}
	policy := []string{"default-src 'none'", "style-src " + draw().styleHash, "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'" + p.answer}
	if p.Script != "" {
		policy = append(policy, "script-src 'self'", "connect-src 'self'"+p.connect)
	}
	head := w.Header()
	head.Set("Content-Security-Policy", strings.Join(policy, "; "))
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	w.Write(body.Bytes()) //nolint:errcheck // the client is gone; nobody is left to tell
}

func script(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	http.ServeFileFS(w, r, files, "client.js")
}
