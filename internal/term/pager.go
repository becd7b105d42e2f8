package term

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	xterm "golang.org/x/term"
)

// NoPager lets long output run past.
func (s *Streams) NoPager() { s.unpaged = true }

// Paged runs what writes to Out, and shows it in the user's pager as soon as it is longer than the
// terminal is high. Who leaves the pager ends what writes, without an error.
func (s *Streams) Paged(ctx context.Context, write func() error) error {
	height := s.height()
	if height == 0 || s.unpaged || len(s.pager()) == 0 || s.Out != s.realOut {
		return write()
	}
	first := &firstLines{streams: s, ctx: ctx, height: height}
	s.Out = first
	err := write()
	s.Out = s.realOut
	if first.stop == nil {
		_, writeErr := s.Out.Write(first.text.Bytes())
		return errors.Join(err, writeErr)
	}
	stopErr := first.stop()
	if errors.Is(err, errPagerLeft) {
		return stopErr
	}
	return errors.Join(err, stopErr)
}

var errPagerLeft = errors.New("the pager is gone")

// firstLines holds text back until it is clear that it needs the pager.
type firstLines struct {
	streams *Streams
	ctx     context.Context //nolint:containedctx // a writer has no other way to get one
	height  int
	text    bytes.Buffer
	pipe    io.Writer
	stop    func() error
}

func (f *firstLines) Write(p []byte) (int, error) {
	if f.pipe == nil {
		_, _ = f.text.Write(p) // a buffer takes all
		if bytes.Count(f.text.Bytes(), []byte("\n")) < f.height {
			return len(p), nil
		}
		stop, err := f.streams.Page(f.ctx)
		if err != nil {
			return 0, err
		}
		f.stop, f.pipe, f.streams.Out = stop, f.streams.Out, f
		if _, err := f.pipe.Write(f.text.Bytes()); err != nil {
			return 0, errPagerLeft
		}
		return len(p), nil
	}
	if _, err := f.pipe.Write(p); err != nil {
		return 0, errPagerLeft
	}
	return len(p), nil
}

// height is how many lines the terminal shows, 0 where Out is none.
func (s *Streams) height() int {
	f, ok := s.realOut.(*os.File)
	if !ok || !s.OutIsTerminal() {
		return 0
	}
	_, height, err := xterm.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return height
}

// Page sends what is written to Out through the user's pager (USHER_PAGER, then
// PAGER) until stop is called. Without a pager, or off a terminal, it changes
// nothing.
func (s *Streams) Page(ctx context.Context) (stop func() error, err error) {
	words := s.pager()
	if !s.OutIsTerminal() || len(words) == 0 {
		return func() error { return nil }, nil
	}
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = append(cmd.Environ(), s.pagerEnv()...)
	cmd.Stdout, cmd.Stderr = s.realOut, s.Err
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start the pager: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the pager %q (PAGER names another one): %w", words[0], err)
	}
	s.Out = pipe
	return func() error {
		s.Out = s.realOut
		_ = pipe.Close() // the pager may be gone already
		return cmd.Wait()
	}, nil
}

func (s *Streams) pager() []string {
	command := s.env("USHER_PAGER")
	if command == "" {
		command = s.env("PAGER")
	}
	if command == "cat" {
		return nil
	}
	return strings.Fields(command)
}

// pagerEnv makes less leave at the end of a short text, keep colours and leave
// the text on the screen, unless the user set it up otherwise.
func (s *Streams) pagerEnv() []string {
	if s.env("LESS") != "" {
		return nil
	}
	return []string{"LESS=FRX"}
}
