package server

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"sync"

	"github.com/usherhq/usher/internal/rules/assurance"
)

//go:embed securitypage.html
var securityPageText string

var securityPageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("security").Parse(securityPageText))
})

// securityPagePath is where visitors read what the server promises about security.
const securityPagePath = "/security"

// promise is a row of the page.
type promise struct {
	*assurance.Row
	Live assurance.Value
}

// securityPage shows what is promised and what proves it to everybody, and what this server
// makes of it to who may use it: a stranger need not know what is weak here.
func (s *Server) securityPage(w http.ResponseWriter, r *http.Request) {
	facts := s.facts()
	page := struct {
		Version string
		Known   bool
		Rows    []promise
	}{Version: facts.Version, Known: !facts.Accounts && !facts.SharedPassword || s.doors != nil && s.doors.SignedIn(r)}
	rows := assurance.Rows()
	for i := range rows {
		p := promise{Row: &rows[i]}
		if page.Known {
			p.Live = rows[i].Live(&facts)
		}
		page.Rows = append(page.Rows, p)
	}
	var b bytes.Buffer
	if err := securityPageTemplate().Execute(&b, page); err != nil {
		http.Error(w, "the page can't be shown", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	w.Write(b.Bytes()) //nolint:errcheck // the client is gone; nobody is left to tell
}
