package testkit

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Podman is a real container engine that serves Docker's API, with a storage of its own.
type Podman struct {
	// Host is the value of DOCKER_HOST.
	Host string

	dir     string
	environ []string
	service *Process
}

// podmanPackages are what Podman needs of Debian to run containers as root, without systemd.
var podmanPackages = []string{"podman", "runc", "netavark", "aardvark-dns", "iptables"}

var installPodman = sync.OnceValue(func() error { return aptInstall("podman", podmanPackages...) })

// aptInstall installs Debian's packages if the program is not there. Every test binary of the
// machine waits for the one that does it.
func aptInstall(program string, packages ...string) error {
	if _, err := exec.LookPath(program); err == nil {
		return nil
	}
	dir, err := CacheDir("apt-" + program)
	if err != nil {
		return err
	}
	return once(dir, func() error {
		// Others may install something now: their lock is waited for. Lists that can't be renewed
		// may do as they are.
		_, stale := apt("update")
		if out, err := apt(append([]string{"install", "--yes", "--no-install-recommends"}, packages...)...); err != nil {
			return fmt.Errorf("install %v (as root, or have it installed): %w\n%s", packages, errors.Join(err, stale), tail(string(out), 20))
		}
		return nil
	})
}

func apt(args ...string) ([]byte, error) {
	cmd := exec.Command("apt-get", append([]string{"--quiet", "--option", "DPkg::Lock::Timeout=600"}, args...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	return cmd.CombinedOutput()
}

// containersConf makes Podman run where there is neither systemd nor the right to raise limits.
const containersConf = `[containers]
default_ulimits=["nofile=1024:1024","nproc=4096:4096"]
[engine]
runtime="runc"
cgroup_manager="cgroupfs"
events_logger="file"
`

// registriesConf lets it pull from registries of tests, which speak plain HTTP.
const registriesConf = `[[registry]]
location="127.0.0.1"
insecure=true
`

// StartPodman starts an engine and stops it, with its containers, when the test ends.
func StartPodman(t testing.TB) *Podman {
	t.Helper()
	if err := installPodman(); err != nil {
		t.Fatalf("Podman is needed for this test: %v", err)
	}
	dir, err := os.MkdirTemp("", "usher-podman-") // short, for the socket's sake
	if err != nil {
		t.Fatal(err)
	}
	p := &Podman{Host: "unix://" + filepath.Join(dir, "sock"), dir: dir}
	for name, text := range map[string]string{"containers.conf": containersConf, "registries.conf": registriesConf} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.environ = append(os.Environ(),
		"CONTAINERS_CONF="+filepath.Join(dir, "containers.conf"), "CONTAINERS_REGISTRIES_CONF="+filepath.Join(dir, "registries.conf"))
	p.Start(t)
	t.Cleanup(func() {
		if out, err := p.command("rm", "--all", "--force", "--time=0").CombinedOutput(); err != nil {
			t.Logf("remove the containers: %v\n%s", err, out)
		}
		p.service.Stop()
		if t.Failed() {
			t.Logf("podman:\n%s", tail(p.service.Log(), 50))
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Log(err)
		}
	})
	return p
}

func (p *Podman) command(args ...string) *exec.Cmd {
	at := func(name string) string { return filepath.Join(p.dir, name) }
	cmd := exec.Command("podman", append([]string{"--root", at("root"), "--runroot", at("run"), "--tmpdir", at("tmp"), "--storage-driver", "vfs"}, args...)...)
	cmd.Env, cmd.Dir = p.environ, p.dir // containers' monitors leave files where they start
	return cmd
}

// Start starts the engine's service, again after Kill.
func (p *Podman) Start(t testing.TB) {
	t.Helper()
	socket := filepath.Join(p.dir, "sock")
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	service, err := StartProcess(p.command("system", "service", "--time=0", p.Host), filepath.Join(p.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	p.service = service
	Eventually(t, time.Minute, func() error {
		if service.ended() {
			return Final(fmt.Errorf("podman ended at once: %s", service.Log()))
		}
		conn, err := net.Dial("unix", socket)
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

// Kill ends the engine's service at once. Containers go on.
func (p *Podman) Kill() { p.service.Kill() }

// Run runs a command of Podman's and returns what it prints.
func (p *Podman) Run(t testing.TB, args ...string) string {
	t.Helper()
	out, err := p.command(args...).CombinedOutput()
	if err != nil {
		t.Fatalf("podman %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// Image makes an image of files of this machine, by their paths in the image.
func (p *Podman) Image(t testing.TB, name string, files map[string]string) {
	t.Helper()
	cmd := p.command("import", "-", name)
	cmd.Stdin = bytes.NewReader(Layer(t, files))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("import image %s: %v\n%s", name, err, out)
	}
}

// Layer is the tar archive of an image with the files.
func Layer(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var layer bytes.Buffer
	archive := tar.NewWriter(&layer)
	for name, from := range files {
		data, err := os.ReadFile(from)
		if err == nil {
			err = archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Size: int64(len(data))})
		}
		if err == nil {
			_, err = archive.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return layer.Bytes()
}
