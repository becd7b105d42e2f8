package alias

import (
	"strings"

	"github.com/usherhq/usher/internal/cli"
)

// Split parts a line into words as a shell does: blanks part them, quotes keep them together, a
// backslash takes the next character as it is.
func Split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	quote, open, escaped := rune(0), false, false
	for _, r := range line {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, open = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, open = r, true
		case r == ' ' || r == '\t':
			if open {
				words = append(words, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteRune(r)
			open = true
		}
	}
	if quote != 0 || escaped {
		return nil, cli.Usagef("the line %q ends inside of a quotation", line)
	}
	if open {
		words = append(words, word.String())
	}
	return words, nil
}
