package testkit

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// Kubernetes is a real control plane: etcd, kube-apiserver and kube-controller-manager with the
// controllers of jobs, quotas, garbage and service accounts' tokens. It has no nodes.
type Kubernetes struct {
	// URL is the API's, Token an administrator's.
	URL, Token string
	// HTTP trusts the API's certificate.
	HTTP *http.Client

	dir string
}

// KubernetesWanted says whether tests that need a control plane are to run: building one takes
// minutes, so it is asked for (`make test-kubernetes`).
func KubernetesWanted() bool { return os.Getenv("USHER_TEST_KUBERNETES") != "" }

//go:embed controlplane/main.go.txt
var controlPlaneMain []byte

//go:embed controlplane/go.mod.txt
var controlPlaneModule []byte

// controlPlane builds the programs from their Go modules, once for all test binaries.
func controlPlane() (dir string, err error) {
	dir, err = CacheDir("kubernetes-1.31.4")
	if err != nil {
		return "", err
	}
	return dir, once(dir, func() error {
		files := map[string][]byte{"main.go": controlPlaneMain, "go.mod": controlPlaneModule}
		if err := goProgram(dir, files, []string{"mod", "tidy"}, []string{"build", "-trimpath", "-ldflags", "-s -w", "-o", "kube-apiserver", "."}); err != nil {
			return err
		}
		return os.Link(filepath.Join(dir, "kube-apiserver"), filepath.Join(dir, "kube-controller-manager"))
	})
}

// goProgram writes the files of a Go module of its own and runs the commands of go in it.
func goProgram(dir string, files map[string][]byte, commands ...[]string) error {
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return err
		}
	}
	for _, args := range commands {
		cmd := exec.Command("go", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=mod", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go %v in %s: %w\n%s", args, dir, err, tail(string(out), 20))
		}
	}
	return nil
}

// StartKubernetes starts a control plane and stops it when the test ends.
func StartKubernetes(t testing.TB) *Kubernetes {
	t.Helper()
	if err := aptInstall("etcd", "etcd-server"); err != nil {
		t.Fatalf("etcd is needed for this test: %v", err)
	}
	bin, err := controlPlane()
	if err != nil {
		t.Fatalf("a Kubernetes control plane is needed for this test: %v", err)
	}
	k := &Kubernetes{Token: "administrator", dir: t.TempDir()}
	k.HTTP = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // it makes its certificate itself
	if err := k.start(t, bin); err != nil {
		t.Fatal(err)
	}
	return k
}

func (k *Kubernetes) start(t testing.TB, bin string) error {
	var ports [3]int
	for i := range ports {
		port, err := freePort()
		if err != nil {
			return err
		}
		ports[i] = port
	}
	store, peers := fmt.Sprintf("http://127.0.0.1:%d", ports[0]), fmt.Sprintf("http://127.0.0.1:%d", ports[1])
	k.URL = fmt.Sprintf("https://127.0.0.1:%d", ports[2])
	if err := k.secrets(); err != nil {
		return err
	}
	at := func(name string) string { return filepath.Join(k.dir, name) }
	programs := []struct {
		name string
		args []string
		up   func() error
	}{
		{"etcd", []string{
			"etcd", "--data-dir=" + at("etcd"), "--listen-client-urls=" + store, "--advertise-client-urls=" + store, "--listen-peer-urls=" + peers,
			"--initial-advertise-peer-urls=" + peers, "--initial-cluster=default=" + peers, "--unsafe-no-fsync=true",
		}, func() error { return k.ok(store + "/health") }},
		{"apiserver", []string{
			filepath.Join(bin, "kube-apiserver"), "--etcd-servers=" + store, "--secure-port=" + strconv.Itoa(ports[2]), "--bind-address=127.0.0.1",
			"--cert-dir=" + at("certs"), "--service-account-key-file=" + at("sa.key"), "--service-account-signing-key-file=" + at("sa.key"),
			"--service-account-issuer=https://kubernetes.default.svc", "--token-auth-file=" + at("tokens.csv"), "--authorization-mode=RBAC",
			"--service-cluster-ip-range=10.0.0.0/24", "--disable-admission-plugins=ServiceAccount",
		}, func() error { return k.ok(k.URL + "/readyz") }},
		{"manager", []string{
			filepath.Join(bin, "kube-controller-manager"), "--kubeconfig=" + at("kubeconfig"), "--leader-elect=false", "--secure-port=0",
			"--controllers=job-controller,garbage-collector-controller,ttl-after-finished-controller,namespace-controller,resourcequota-controller",
			"--concurrent-job-syncs=5",
		}, func() error { return nil }},
	}
	for _, p := range programs {
		cmd := exec.Command(p.args[0], p.args[1:]...)
		cmd.Dir, cmd.Env = k.dir, append(os.Environ(), "ETCD_UNSUPPORTED_ARCH="+os.Getenv("GOARCH"))
		process, err := StartProcess(cmd, at(p.name+".log"))
		if err != nil {
			return err
		}
		t.Cleanup(func() {
			process.Kill()
			if t.Failed() {
				t.Logf("%s:\n%s", p.name, tail(process.Log(), 20))
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), startPatience)
		defer cancel()
		if err := Until(ctx, func() error {
			if process.ended() {
				return Final(fmt.Errorf("%s ended: %s", p.name, tail(process.Log(), 20)))
			}
			return p.up()
		}); err != nil {
			return err
		}
	}
	return nil
}

func (k *Kubernetes) ok(url string) error {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+k.Token)
	response, err := k.HTTP.Do(request)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}

// secrets writes the key of service accounts' tokens and the administrator's token.
func (k *Kubernetes) secrets() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"sa.key":     pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}),
		"tokens.csv": []byte(k.Token + `,administrator,administrator,"system:masters"` + "\n"),
		"kubeconfig": k.Config(k.Token, "default"),
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(k.dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Config is a kubeconfig for the token and namespace.
func (k *Kubernetes) Config(token, namespace string) []byte {
	return fmt.Appendf(nil, `apiVersion: v1
kind: Config
current-context: test
clusters: [{name: test, cluster: {server: %q, insecure-skip-tls-verify: true}}]
users: [{name: test, user: {token: %q}}]
contexts: [{name: test, context: {cluster: test, user: test, namespace: %q}}]
`, k.URL, token, namespace)
}
