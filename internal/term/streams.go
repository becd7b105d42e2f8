// Package term is how commands meet the terminal: the three streams, what they
// can show (terminal or not, width, colour), prompts, the pager and a spinner.
// Nothing else in the program touches os.Stdin, os.Stdout or os.Stderr.
package term

import (
	"io"
	"os"
	"strconv"

	xterm "golang.org/x/term"
)

// defaultWidth is assumed where a terminal doesn't tell its width.
const defaultWidth = 80

// Streams are the three streams of a command and what is known about them.
// Data goes to Out; everything said about it goes to Err.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer

	lookup    func(string) (string, bool)
	plain     bool // colour was switched off by a setting
	unwrapped bool // so were line breaks in prose
	unpaged   bool // no pager is wanted
	realOut   io.Writer
}

// System returns the streams of the process.
func System() *Streams {
	return New(os.Stdin, os.Stdout, os.Stderr, os.LookupEnv)
}

// New makes streams of any readers and writers; what is not a file is not a
// terminal. lookup reads the environment.
func New(in io.Reader, out, err io.Writer, lookup func(string) (string, bool)) *Streams {
	return &Streams{In: in, Out: out, Err: err, lookup: lookup, realOut: out}
}

// InIsTerminal reports whether a person can type into In.
func (s *Streams) InIsTerminal() bool { return isTerminal(s.In) }

// OutIsTerminal reports whether Out is shown to a person. It stays true while a
// pager stands in between.
func (s *Streams) OutIsTerminal() bool { return isTerminal(s.realOut) }

// ErrIsTerminal reports whether Err is shown to a person.
func (s *Streams) ErrIsTerminal() bool { return isTerminal(s.Err) }

// Width is the number of columns that a line on Out may take: COLUMNS if set,
// else the terminal's.
func (s *Streams) Width() int {
	if n, err := strconv.Atoi(s.env("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if f, ok := s.realOut.(*os.File); ok {
		if width, _, err := xterm.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return defaultWidth
}

func (s *Streams) env(name string) string {
	value, _ := s.lookup(name)
	return value
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && xterm.IsTerminal(int(f.Fd()))
}
