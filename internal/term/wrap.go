package term

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// DisableWrap keeps lines of talk as long as they are, whatever the terminal's width: the user's
// setting says so.
func (s *Streams) DisableWrap() { s.unwrapped = true }

// WrapErr breaks prose between its words, so that it fits a terminal that shows Err. Lines go on
// below the words of their first one; a word that does not fit is left whole.
func (s *Streams) WrapErr(text string) string {
	if s.unwrapped || !s.ErrIsTerminal() {
		return text
	}
	return wordwrap(text, s.Width(), 0)
}

// WrapOut is WrapErr for prose on Out. Lines go on at least margin columns from the left.
func (s *Streams) WrapOut(text string, margin int) string {
	if s.unwrapped || !s.OutIsTerminal() {
		return text
	}
	return wordwrap(text, s.Width(), margin)
}

func wordwrap(text string, width, least int) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if ansi.StringWidth(line) <= width {
			lines = append(lines, line)
			continue
		}
		plain := ansi.Strip(line)
		margin := plain[:len(plain)-len(strings.TrimLeft(plain, " "))]
		if arrow, rest, _ := strings.Cut(strings.TrimLeft(plain, " "), " "); ansi.StringWidth(arrow) == 1 && rest != "" {
			margin += "  " // a sign, and what is said behind it
		}
		margin += strings.Repeat(" ", max(0, least-len(margin)))
		lines = append(lines, fold(line, margin, width)...)
	}
	return strings.Join(lines, "\n")
}

// fold breaks one line at its spaces.
func fold(line, margin string, width int) []string {
	var lines []string
	so, used := "", 0
	for i, word := range strings.Split(line, " ") {
		size := ansi.StringWidth(word)
		switch {
		case i == 0:
			so, used = word, size
		case used+1+size > width && strings.TrimSpace(ansi.Strip(so)) != "":
			lines = append(lines, so)
			so, used = margin+word, len(margin)+size
		default:
			so, used = so+" "+word, used+1+size
		}
	}
	return append(lines, so)
}
