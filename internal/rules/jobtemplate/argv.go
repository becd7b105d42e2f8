package jobtemplate

import (
	"strings"

	"github.com/usherhq/usher/internal/api"
)

// Split cuts a command line into arguments as a POSIX shell would, without expansions.
func Split(command string) ([]string, error) {
	s := splitter{rest: command}
	for s.rest != "" {
		if err := s.step(); err != nil {
			return nil, api.Errorf(api.CodeInvalid, "command %q: %w", command, err)
		}
	}
	s.finish()
	return s.args, nil
}

type splitter struct {
	rest string
	args []string
	word strings.Builder
	open bool // a word has begun, perhaps with nothing in it yet
}

func (s *splitter) step() error {
	c := s.rest[0]
	s.rest = s.rest[1:]
	switch c {
	case ' ', '\t', '\n', '\r':
		s.finish()
		return nil
	case '\'':
		return s.single()
	case '"':
		return s.double()
	case '\\':
		if s.rest == "" {
			return api.Errorf(api.CodeInvalid, "nothing follows the last backslash")
		}
		c, s.rest = s.rest[0], s.rest[1:]
	}
	s.open = true
	s.word.WriteByte(c)
	return nil
}

func (s *splitter) single() error {
	text, rest, closed := strings.Cut(s.rest, "'")
	if !closed {
		return api.Errorf(api.CodeInvalid, "a ' is never closed")
	}
	s.open, s.rest = true, rest
	s.word.WriteString(text)
	return nil
}

func (s *splitter) double() error {
	s.open = true
	for i := 0; i < len(s.rest); i++ {
		c := s.rest[i]
		switch {
		case c == '"':
			s.rest = s.rest[i+1:]
			return nil
		case c == '\\' && i+1 < len(s.rest) && (s.rest[i+1] == '"' || s.rest[i+1] == '\\'):
			i++
			s.word.WriteByte(s.rest[i])
		default:
			s.word.WriteByte(c)
		}
	}
	return api.Errorf(api.CodeInvalid, `a " is never closed`)
}

func (s *splitter) finish() {
	if s.open {
		s.args = append(s.args, s.word.String())
		s.word.Reset()
		s.open = false
	}
}

// Join writes arguments as one command line that Split cuts into the same arguments.
func Join(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = shellQuote(arg)
	}
	return strings.Join(quoted, " ")
}

func shellQuote(arg string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@%+=:,./-_", r)
	}
	if arg != "" && strings.TrimFunc(arg, plain) == "" {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'"'"'`) + "'"
}
