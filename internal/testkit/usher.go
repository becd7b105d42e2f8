package testkit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// keepBuilds is how long a built binary stays in the cache.
const keepBuilds = 48 * time.Hour

// Usher returns the path of our binary, built from the checkout once per test
// binary. USHER_TEST_BINARY names a ready one instead.
func Usher(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var build = sync.OnceValues(func() (string, error) {
	return BuildUsher(context.Background())
})

// BuildUsher builds our binary from the checkout and returns its path. Equal
// builds share one file.
func BuildUsher(ctx context.Context) (string, error) {
	if ready := os.Getenv("USHER_TEST_BINARY"); ready != "" {
		return ready, nil
	}
	return buildFromCheckout(ctx, "./cmd/usher")
}

// buildFromCheckout builds a program of ours, and returns where it is.
func buildFromCheckout(ctx context.Context, program string) (string, error) {
	cache, err := CacheDir("bin")
	if err != nil {
		return "", err
	}
	removeOld(cache)
	fresh, err := os.MkdirTemp(cache, "build-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh)
	root, err := Checkout()
	if err != nil {
		return "", err
	}
	binary := filepath.Join(fresh, filepath.Base(program)+exeSuffix())
	cold, err := os.ReadFile(filepath.Join(root, "internal", "build", "cold"))
	if err != nil {
		return "", err
	}
	args := []string{"build", "-trimpath", "-ldflags", "-s -w -funcalign=16", "-o", binary} // as it is released
	for line := range strings.Lines(string(cold)) {
		if !strings.HasPrefix(line, "#") {
			args = append(args, "-gcflags="+strings.TrimSpace(line)+"=-l")
		}
	}
	cmd := exec.CommandContext(ctx, "go", append(args, program)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", program, err, out)
	}
	return shelve(binary, cache)
}

// Checkout returns the root of the source tree that the working directory is
// in.
func Checkout() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for !exists(filepath.Join(dir, "go.mod")) {
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod above the working directory: run this in the checkout")
		}
		dir = parent
	}
	return dir, nil
}

// shelve moves the binary to a name made of its content: a running copy is
// never overwritten, and equal builds don't pile up.
func shelve(binary, cache string) (string, error) {
	sum, err := contentHash(binary)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, sum)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	final := filepath.Join(dir, filepath.Base(binary))
	now := time.Now()
	if exists(final) {
		return final, os.Chtimes(dir, now, now)
	}
	return final, os.Rename(binary, final)
}

func contentHash(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

// removeOld only tidies: what can't be removed now is removed another day.
func removeOld(cache string) {
	entries, err := os.ReadDir(cache)
	if err != nil {
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && time.Since(info.ModTime()) > keepBuilds {
			_ = os.RemoveAll(filepath.Join(cache, e.Name()))
		}
	}
}

func exeSuffix() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

// tail returns the last n lines of text.
func tail(text string, n int) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
