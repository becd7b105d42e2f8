package acceptance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// ttyPatience is how long a program at a terminal may take to show something.
const ttyPatience = 20 * time.Second

// tty runs a program at a terminal of a width, with a dialogue: a file whose
// lines are "< text" to wait for on the screen, "<< text" to wait for behind what was
// waited for last, and "> text" to type. \r is enter
// and \x03 is Ctrl-C. What was on the screen is left in the file "screen".
func tty(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: tty columns dialogue code program [args...]")
	}
	width, err := strconv.ParseUint(args[0], 10, 16)
	ts.Check(err)
	want, err := strconv.Atoi(args[2])
	ts.Check(err)
	s, err := openScreen(uint16(width))
	ts.Check(err)
	defer s.close()
	code, err := s.play(ts, args[3:], ts.ReadFile(args[1]))
	ts.Check(os.WriteFile(ts.MkAbs("screen"), []byte(s.text()), 0o600))
	ts.Logf("%s", s.text())
	ts.Check(err)
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// screen is a pseudo-terminal and what was written to it.
type screen struct {
	control, terminal *os.File

	found int // where what was waited for last ends

	mu      sync.Mutex
	shown   bytes.Buffer
	changed chan struct{}
}

func openScreen(width uint16) (*screen, error) {
	control, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	fd := int(control.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return nil, err
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return nil, err
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: width}); err != nil {
		return nil, err
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	return &screen{control: control, terminal: terminal, changed: make(chan struct{}, 1)}, nil
}

func (s *screen) close() {
	_ = s.control.Close() // closed by play already when all went well
	_ = s.terminal.Close()
}

func (s *screen) play(ts *testscript.TestScript, args []string, dialogue string) (code int, err error) {
	path, err := exec.LookPath(ts.MkAbs("bin/" + args[0]))
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), ttyPatience) //nolint:usetesting // a script has no context
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = environ(ts)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.terminal, s.terminal, s.terminal
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	before, err := unix.IoctlGetTermios(int(s.control.Fd()), unix.TCGETS)
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.restored(before)) }()
	_ = s.terminal.Close() // the program has it
	var reading sync.WaitGroup
	reading.Go(s.read)
	talk := s.talk(ctx, dialogue)
	if talk != nil {
		cancel()
	}
	ended := cmd.Wait()
	reading.Wait()
	var exit *exec.ExitError
	if errors.As(ended, &exit) {
		return exit.ExitCode(), talk
	}
	return 0, errors.Join(talk, ended)
}

// restored checks that a program left the terminal as it was.
func (s *screen) restored(before *unix.Termios) error {
	after, err := unix.IoctlGetTermios(int(s.control.Fd()), unix.TCGETS)
	if err != nil {
		return err
	}
	if *before != *after {
		return fmt.Errorf("the terminal was not left as it was: %+v, was %+v", after, before)
	}
	if text := s.text(); strings.LastIndex(text, "\x1b[?25l") > strings.LastIndex(text, "\x1b[?25h") {
		return errors.New("the cursor was left hidden")
	}
	return nil
}

// read keeps what the program shows, until it ends.
func (s *screen) read() {
	buf := make([]byte, 4096)
	for {
		n, err := s.control.Read(buf)
		if err != nil {
			return // EIO: the program is gone
		}
		s.mu.Lock()
		s.shown.Write(buf[:n])
		s.mu.Unlock()
		select {
		case s.changed <- struct{}{}:
		default:
		}
	}
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.String()
}

func (s *screen) talk(ctx context.Context, dialogue string) error {
	for line := range strings.Lines(dialogue) {
		line = strings.TrimRight(line, "\n")
		switch what, text, _ := strings.Cut(line, " "); what {
		case "<", "<<":
			from := 0
			if what == "<<" {
				from = s.found
			}
			if err := s.await(ctx, text, from); err != nil {
				return err
			}
		case ">":
			typed, err := strconv.Unquote(`"` + text + `"`)
			if err != nil {
				return fmt.Errorf("dialogue line %q: %w", line, err)
			}
			if _, err := s.control.WriteString(typed); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *screen) await(ctx context.Context, text string, from int) error {
	for {
		if i := strings.Index(s.text()[from:], text); i >= 0 {
			s.found = from + i + len(text)
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%q was not shown", text)
		case <-s.changed:
		}
	}
}
