package postgres

import (
	"errors"
	"strconv"
	"strings"
	"sync"
)

// keptTexts bounds the rewritten statements that are kept.
const keptTexts = 1000

// texts turns the placeholders ? of a statement into $1, $2, … and remembers the result.
type texts struct {
	mu    sync.RWMutex // guards known
	known map[string]string
}

func newTexts() *texts { return &texts{known: make(map[string]string)} }

func (t *texts) numbered(sql string) (string, error) {
	t.mu.RLock()
	text, found := t.known[sql]
	t.mu.RUnlock()
	if found {
		return text, nil
	}
	text, err := number(sql)
	if err != nil {
		return "", err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.known) >= keptTexts {
		clear(t.known) // the hot ones are back at once
	}
	t.known[sql] = text
	return text, nil
}

// number replaces each ? by the next $n, and ?? by ?. What is quoted stays. Without
// arguments the server would execute several statements, which SQLite does not.
func number(sql string) (string, error) {
	var b strings.Builder
	n, quote := 0, byte(0)
	for i := 0; i < len(sql); i++ {
		c := sql[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '?' && i+1 < len(sql) && sql[i+1] == '?':
			i++
		case c == ';' && strings.TrimSpace(sql[i+1:]) != "":
			return "", errSeveral
		case c == '?':
			n++
			b.WriteString("$" + strconv.Itoa(n))
			continue
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}

var errSeveral = errors.New("a query or execution takes one statement; several are a script")
