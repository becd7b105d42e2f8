package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/pkg/browser"
)

// openPage shows a page in the browser that BROWSER names, else in the system's.
func openPage(url string) error {
	if named := os.Getenv("BROWSER"); named != "" {
		return openWith(named, url)
	}
	browser.Stdout, browser.Stderr = io.Discard, io.Discard
	return browser.OpenURL(url)
}

// openWith tries the commands of a list as in PATH, until one can show the page. %s in a
// command is the page; without one it comes last. Other tools read BROWSER so too.
func openWith(list, url string) (err error) {
	err = errors.New("BROWSER names no command")
	for _, command := range filepath.SplitList(list) {
		words := strings.Fields(strings.TrimSuffix(strings.TrimSpace(command), "&"))
		if len(words) == 0 {
			continue
		}
		if strings.Contains(command, "%s") {
			for i := range words {
				words[i] = strings.ReplaceAll(words[i], "%s", url)
			}
		} else {
			words = append(words, url)
		}
		if err = begin(words); err == nil {
			return nil
		}
	}
	return err
}

// proof is how long a browser has to say that it can't.
const proof = time.Second

// begin starts a command that may run for longer than this one.
func begin(words []string) error {
	cmd := exec.CommandContext(context.Background(), words[0], words[1:]...) //nolint:gosec // the user's own
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(proof):
		return nil
	}
}
