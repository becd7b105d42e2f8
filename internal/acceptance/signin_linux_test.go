package acceptance

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/testkit"
)

// output is what a program has written so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// TestReferenceLogsInThroughOurPage runs the unmodified prefect cloud login at a terminal: it
// opens a browser, a person approves there, and the key that it gets works.
func TestReferenceLogsInThroughOurPage(t *testing.T) {
	t.Parallel()
	s := startWithAccounts(t)
	py := testkit.Reference(t)
	b := testkit.StartBrowser(t, 1000, false)
	b.Open(s.URL + "/auth/login")
	b.Type("E-mail address", "ada@example.com")
	b.Press("Send")
	b.See("a message is on its way")
	b.Open(s.mail.Await(t, "ada@example.com", 1).Link())
	b.Press("Sign in")
	b.See("Where you are signed in")

	home := t.TempDir()
	opener, opened := filepath.Join(home, "opener"), filepath.Join(home, "opened")
	if err := os.WriteFile(opener, []byte("#!/bin/sh\nprintf %s \"$1\" > "+opened+".new && mv "+opened+".new "+opened+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	env := testkit.Env(home, "PREFECT_CLOUD_API_URL="+s.APIURL(), "BROWSER="+opener+" %s", "TERM=xterm")
	login := exec.Command("script", "-qfec", py.Prefect+" cloud login", "/dev/null")
	login.Env = env
	shown := &output{}
	login.Stdout, login.Stderr = shown, shown
	keys, err := login.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := login.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- login.Wait() }()
	t.Cleanup(func() { _ = login.Process.Kill() })
	testkit.Eventually(t, 2*time.Minute, func() error {
		if !strings.Contains(shown.String(), "How would you like to authenticate?") {
			return errors.New(shown.String())
		}
		return nil
	})
	if _, err := io.WriteString(keys, "\r"); err != nil {
		t.Fatal(err)
	}
	var page string
	testkit.Eventually(t, time.Minute, func() error {
		text, err := os.ReadFile(opened)
		page = string(text)
		return err
	})
	if !strings.HasPrefix(page, s.URL+"/auth/client?callback=") {
		t.Fatal(page)
	}
	b.Open(page)
	b.See("of this machine")
	b.Press("Approve")
	b.See("Go back to the terminal")
	select {
	case err = <-ended:
	case <-time.After(time.Minute):
		err = errors.New("it does not end")
	}
	if err != nil || !strings.Contains(shown.String(), "Authenticated with Prefect Cloud! Using workspace 'acme/main'.") {
		t.Fatalf("%v\n%s", err, shown)
	}
	list := exec.Command(py.Prefect, "cloud", "workspace", "ls")
	list.Env = env
	out, err := list.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "acme/main") {
		t.Errorf("%v\n%s", err, out)
	}
}
