package profile

import (
	"net/url"
	"strings"
)

// warnOfURL warns of API URLs that can't be right: the address of the web
// interface of Prefect Cloud, or a slip in its path.
func (s *Settings) warnOfURL() {
	text := s.Value("PREFECT_API_URL").Text
	if text == "" || s.Value("PREFECT_SILENCE_API_URL_MISCONFIGURATION").Bool() {
		return
	}
	for wrong, right := range map[string]string{
		"app.prefect.cloud": "api.prefect.cloud",
		"/account/":         "/accounts/",
		"/workspace/":       "/workspaces/",
	} {
		if strings.Contains(text, wrong) {
			s.Warnings = append(s.Warnings, "PREFECT_API_URL has "+wrong+" where "+right+" is meant: "+text)
		}
	}
	u, err := url.Parse(text)
	if err == nil && strings.HasSuffix(u.Host, "api.prefect.cloud") && u.Path != "" && !strings.HasPrefix(u.Path, "/api") {
		s.Warnings = append(s.Warnings, "PREFECT_API_URL needs /api behind "+u.Host+": "+text)
	}
}
