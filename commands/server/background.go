package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/server"
	"github.com/usherhq/usher/internal/server/origin"
)

// How long a server in the background may take to answer, and how often it is asked.
const (
	startPatience = 30 * time.Second
	askAgain      = 20 * time.Millisecond
)

// background starts the server as a process of its own and returns once it answers.
func (o *startOptions) background(cmd *cobra.Command, home string, options *server.Options) error {
	scheme := "http://"
	if options.TLS.On() {
		scheme = "https://"
	}
	url := scheme + net.JoinHostPort(options.Host, strconv.Itoa(options.Port))
	d := daemon{env: o.env, home: home, what: "server", stop: "usher server stop", where: "at " + url + " ", more: options.Database.Wait}
	return d.start(cmd, []string{"server", "start"}, func(ctx context.Context) bool {
		return isHealthy(ctx, url+cmp.Or(options.Front.APIPath, origin.API))
	})
}

// daemon is a process of ours in the background.
type daemon struct {
	env   *cli.Env
	home  string
	what  string        // it is, and the name of its files in home
	stop  string        // the command that ends it
	where string        // it is found, for the user
	more  time.Duration // than startPatience that it may take
}

// start starts a command, with the flags of cmd, as a process of its own and returns once
// it is ready.
func (d *daemon) start(cmd *cobra.Command, command []string, ready func(context.Context) bool) error {
	if err := makeHome(d.home); err != nil {
		return err
	}
	note := pidFileIn(d.home, d.what)
	if pid, err := note.running(); err != nil || pid != 0 {
		if err == nil {
			err = cli.Fail(cli.Failure, "one runs in the background already (process "+strconv.Itoa(pid)+")", "`%s` ends it", d.stop)
		}
		return err
	}
	log := d.log()
	child, err := spawn(cmd, command, log)
	if err != nil {
		return cli.Fail(cli.Failure, "cannot start the "+d.what+" in the background: "+err.Error(), "start it without --background")
	}
	if err := note.write(child.Process.Pid); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	if err := until(cmd.Context(), startPatience+d.more, ready, ended); err != nil {
		_ = note.remove() // why it did not start matters more
		return cli.Fail(cli.Failure, "the "+d.what+" did not start: "+complaint(log), "%s has the whole story", log)
	}
	d.env.Sayf("%s runs in the background %s(process %d).", d.env.PaintErr("usher", output.Good), d.where, child.Process.Pid)
	d.env.Sayf("  Log       %s\n\n`%s` stops it.", log, d.stop)
	return nil
}

func (d *daemon) log() string { return filepath.Join(d.home, d.what+".log") }

// spawn starts a command of ours in the foreground of another session.
func spawn(cmd *cobra.Command, command []string, log string) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	out, err := os.OpenFile(log, //nolint:gosec // it is in our home
		os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close() //nolint:errcheck // the child has its own
	args := slices.Clone(command)
	cmd.Flags().VisitAll(func(f *pflag.Flag) { // Visit does not know flags that --no-x sets
		if f.Changed && f.Name != "background" && !f.Hidden {
			args = append(args, "--"+f.Name+"="+f.Value.String())
		}
	})
	child := exec.Command(program, args...) //nolint:gosec,noctx // ourselves; it outlives this command
	child.Stdout, child.Stderr = out, out
	detach(child)
	return child, child.Start()
}

// until waits until a process is ready, or for its end.
func until(ctx context.Context, patience time.Duration, ready func(context.Context) bool, ended <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(askAgain)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-ended:
			if err == nil {
				err = context.Canceled
			}
			return err
		case <-tick.C:
		}
		if ready(ctx) {
			return nil
		}
	}
}

func isHealthy(ctx context.Context, apiURL string) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, apiURL+"/health", http.NoBody)
	if err != nil {
		return false
	}
	// It asks its own server, which may well have a certificate for another name.
	own := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true} //nolint:gosec // nothing is sent
	answer, err := (&http.Client{Timeout: time.Second, Transport: own}).Do(r)
	if err != nil {
		return false
	}
	return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
}

// complaint is the error that a server ended with, or else the last that it said.
func complaint(log string) string {
	text, err := os.ReadFile(log) //nolint:gosec // it is in our home
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, line := range slices.Backward(lines) {
		if what, ok := strings.CutPrefix(line, "error: "); ok {
			return what
		}
	}
	return lines[len(lines)-1]
}
