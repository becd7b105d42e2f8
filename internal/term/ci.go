package term

import (
	"fmt"
	"strings"
	"time"
)

// Section folds what is written until end is called on the page of a CI job: in GitLab and in GitHub
// Actions, nothing elsewhere. The marks go to Err, as they are no data; both systems read it. id is a
// word of letters, digits, - and _.
func (s *Streams) Section(id, title string, now func() time.Time) (end func()) {
	title = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, title)
	switch {
	case s.env("GITLAB_CI") == "true":
		fmt.Fprintf(s.Err, "\x1b[0Ksection_start:%d:%s\r\x1b[0K%s\n", now().Unix(), id, title)
		return func() { fmt.Fprintf(s.Err, "\x1b[0Ksection_end:%d:%s\r\x1b[0K\n", now().Unix(), id) }
	case s.env("GITHUB_ACTIONS") == "true":
		fmt.Fprintf(s.Err, "::group::%s\n", title)
		return func() { fmt.Fprintln(s.Err, "::endgroup::") }
	}
	return func() {}
}
