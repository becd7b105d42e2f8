package launch

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/usherhq/usher/internal/api"
)

// KeeperArg is the first argument that makes our binary a keeper; the second is the directory.
const KeeperArg = "__keep"

// Spec says what to start.
type Spec struct {
	Argv []string `json:"argv"`
	Dir  string   `json:"dir"` // working directory; "" is the keeper's own
	Env  []string `json:"-"`   // whole environment; not written down, it holds secrets
	// SplitStderr sends standard error to the file err instead of out.
	SplitStderr bool `json:"split_stderr"`
	// Hold is a file whose shared lock is kept as long as the keeper lives; "" for none.
	Hold string `json:"hold,omitzero"`
	// Line is an end of a connection that the program gets as its file 3; nil for none. It is
	// closed here.
	Line    *os.File `json:"-"`
	HasLine bool     `json:"line,omitzero"`
}

// Launcher starts programs with our binary as their keeper.
type Launcher struct {
	Binary string // path of our binary
}

// Start starts the program of s and keeps its files in dir, which must exist. A program
// that can't be started is no error here: it exits with 127 (not found) or 126.
func (l Launcher) Start(ctx context.Context, dir string, s Spec) (*Process, error) {
	if s.Line != nil {
		defer s.Line.Close() //nolint:errcheck // the keeper has its own
		s.HasLine = true
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // it was only a place
	if err := writeJSON(root, launchFile, s); err != nil {
		return nil, err
	}
	keeper := exec.Command(l.Binary, KeeperArg, dir) //nolint:gosec // our own program
	keeper.Env = s.Env
	keeper.SysProcAttr = ownSession()
	if s.Line != nil {
		keeper.ExtraFiles = []*os.File{s.Line}
	}
	report, tell, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	keeper.Stdout = tell
	err = keeper.Start()
	tell.Close() //nolint:errcheck // the keeper has the only other end, so the report ends with it
	if err != nil {
		report.Close() //nolint:errcheck // nothing was started
		return nil, api.Errorf(api.CodeInternal, "start %s as keeper of the program: %w", l.Binary, err)
	}
	p := &Process{place: place{dir: dir}, keeper: identify(keeper.Process.Pid), started: make(chan struct{}), done: make(chan struct{})}
	go p.follow(keeper, report) //nolint:gosec // the program outlives what started it
	return p, p.awaitStart(ctx)
}

// follow reads what the keeper reports (the pid, then the exit) and reaps it.
func (p *Process) follow(keeper *exec.Cmd, report io.ReadCloser) {
	lines := bufio.NewScanner(report)
	if lines.Scan() {
		p.pid, _ = strconv.Atoi(strings.TrimSpace(lines.Text())) // "" when it never started
	}
	close(p.started)
	lines.Scan()   // waits until the keeper is gone or has told the exit
	report.Close() //nolint:errcheck // it was only read
	keeper.Wait()  //nolint:errcheck // the keeper's own code says nothing; exit.json does
	p.watch(context.Background())
}

func (p *Process) awaitStart(ctx context.Context) error {
	select {
	case <-p.started:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("start the program: %w", ctx.Err())
	}
}
