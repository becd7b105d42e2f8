package timed

import (
	"bytes"
	"strings"
	"sync"
)

// Tail keeps the last lines of what is added to it.
type Tail struct {
	mu    sync.Mutex
	lines []string
}

// tailLines and tailLine bound what is kept.
const (
	tailLines = 50
	tailLine  = 2000
)

// Add adds a line.
func (t *Tail) Add(line []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	line = bytes.TrimRight(line, "\r\n")
	t.lines = append(t.lines, strings.ToValidUTF8(string(line[:min(len(line), tailLine)]), "�"))
	if len(t.lines) > tailLines {
		t.lines = append(t.lines[:0], t.lines[len(t.lines)-tailLines:]...)
	}
}

// String is the lines that are kept.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "\n")
}
