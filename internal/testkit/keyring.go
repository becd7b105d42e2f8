package testkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// busConfig starts no services by itself: a second keyring would come before ours.
const busConfig = `<busconfig><type>session</type><listen>%s</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`

// KeyringState is how a session's keyring is found.
type KeyringState string

// The states. One that is stuck does not answer, as if it waited for somebody.
const (
	KeyringOpen   KeyringState = "open"
	KeyringLocked KeyringState = "locked"
	KeyringStuck  KeyringState = "stuck"
)

// Session is a desktop session with a real Secret Service in it.
type Session struct {
	bus, ring *Process
	// Environ is what programs of the session need to see.
	Environ []string
}

// Close ends the session.
func (s *Session) Close() {
	for _, p := range []*Process{s.ring, s.bus} {
		if p != nil {
			p.Kill() // one that is stuck would not hear more
		}
	}
}

// StartKeyring starts a session below dir whose keyring is in a state. Where the
// programs are not installed it installs them, which takes root on a Debian system.
func StartKeyring(ctx context.Context, dir string, state KeyringState) (*Session, error) {
	if err := installKeyring(); err != nil {
		return nil, err
	}
	run := filepath.Join(dir, "run")
	if err := os.MkdirAll(run, 0o700); err != nil {
		return nil, err
	}
	address := "unix:path=" + filepath.Join(run, "bus")
	s := &Session{Environ: []string{"DBUS_SESSION_BUS_ADDRESS=" + address, "XDG_RUNTIME_DIR=" + run, "XDG_DATA_HOME=" + filepath.Join(dir, "data")}}
	environ := Env(dir, s.Environ...)
	config := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, busConfig, address), 0o600); err != nil {
		return nil, err
	}
	bus := exec.Command("dbus-daemon", "--nofork", "--nopidfile", "--config-file="+config)
	bus.Env = environ
	var err error
	if s.bus, err = StartProcess(bus, filepath.Join(dir, "bus.log")); err != nil {
		return nil, err
	}
	if err := s.unlock(ctx, dir, environ); err != nil {
		s.Close()
		return nil, err
	}
	switch state {
	case KeyringOpen:
	case KeyringStuck:
		if err := exec.CommandContext(ctx, "kill", "-STOP", strconv.Itoa(s.ring.PID())).Run(); err != nil {
			s.Close()
			return nil, err
		}
	case KeyringLocked:
		lock := exec.CommandContext(ctx, "dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets",
			"org.freedesktop.Secret.Service.Lock", "array:objpath:/org/freedesktop/secrets/collection/login")
		lock.Env = environ
		if out, err := lock.CombinedOutput(); err != nil {
			s.Close()
			return nil, fmt.Errorf("lock the keyring: %w\n%s", err, out)
		}
	}
	return s, nil
}

// unlock starts the keyring with a password and waits until it answers.
func (s *Session) unlock(ctx context.Context, dir string, environ []string) error {
	ring := exec.Command("gnome-keyring-daemon", "--unlock", "--foreground", "--components=secrets")
	ring.Env, ring.Stdin = environ, strings.NewReader("a password")
	var err error
	if s.ring, err = StartProcess(ring, filepath.Join(dir, "keyring.log")); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return Until(ctx, func() error {
		ask := exec.CommandContext(ctx, "dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets/collection/login",
			"org.freedesktop.DBus.Properties.Get", "string:org.freedesktop.Secret.Collection", "string:Locked")
		ask.Env = environ
		if out, err := ask.CombinedOutput(); err != nil || !strings.Contains(string(out), "boolean false") {
			return fmt.Errorf("the keyring is not open: %w\n%s", err, out)
		}
		return nil
	})
}

var installKeyring = sync.OnceValue(func() error {
	return errors.Join(aptInstall("dbus-daemon", "dbus"), aptInstall("gnome-keyring-daemon", "gnome-keyring"))
})
