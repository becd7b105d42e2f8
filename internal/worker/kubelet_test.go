//go:build linux

package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/testkit"
)

// kubelet stands in for the nodes of a real control plane: it binds pods to a node of its own,
// runs their commands as processes of this machine, serves their logs, and does to pods what
// the name of their image says.
type kubelet struct {
	t       *testing.T
	cluster *testkit.Kubernetes
	dir     string
	path    string // PATH of the processes

	mu   sync.Mutex
	pods map[string]*exec.Cmd // by uid; nil: not run
}

// object is any object of the API.
type object = map[string]any

func newKubelet(t *testing.T, cluster *testkit.Kubernetes, path string) *kubelet {
	t.Helper()
	k := &kubelet{t: t, cluster: cluster, dir: t.TempDir(), path: path, pods: map[string]*exec.Cmd{}}
	logs := httptest.NewTLSServer(http.HandlerFunc(k.serveLogs))
	t.Cleanup(logs.Close)
	_, port, err := net.SplitHostPort(logs.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	k.do("POST", "/api/v1/nodes", object{"apiVersion": "v1", "kind": "Node", "metadata": object{"name": "stand-in"}}, nil)
	k.do("PATCH", "/api/v1/nodes/stand-in/status", object{"status": object{
		"addresses":       []any{object{"type": "InternalIP", "address": "127.0.0.1"}},
		"daemonEndpoints": object{"kubeletEndpoint": object{"Port": number}},
	}}, nil)
	ctx, end := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		k.run(ctx)
	}()
	t.Cleanup(func() {
		end()
		<-over
	})
	return k
}

// do calls the API as administrator; it fails the test unless the call succeeds.
func (k *kubelet) do(method, path string, body, into any) {
	k.t.Helper()
	if err := k.try(method, path, body, into); err != nil {
		k.t.Fatal(err)
	}
}

func (k *kubelet) try(method, path string, body, into any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, k.cluster.URL+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+k.cluster.Token)
	request.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		request.Header.Set("Content-Type", "application/strategic-merge-patch+json")
	}
	response, err := k.cluster.HTTP.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %s %s", method, path, response.Status, answer)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

type podSpec struct {
	Metadata struct {
		Name, Namespace, UID string
		DeletionTimestamp    *time.Time
	}
	Spec struct {
		NodeName   string
		Containers []struct {
			Name, Image string
			Args        []string
			Env         []struct{ Name, Value string }
			EnvFrom     []struct{ SecretRef struct{ Name string } }
		}
	}
	Status struct{ Phase string }
}

func (k *kubelet) run(ctx context.Context) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			k.mu.Lock()
			defer k.mu.Unlock()
			for _, cmd := range k.pods {
				if cmd != nil {
					syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) //nolint:errcheck // it may have ended
				}
			}
			return
		case <-tick.C:
		}
		var raw struct {
			Items []jsontext.Value `json:"items"`
		}
		if err := k.try("GET", "/api/v1/pods", nil, &raw); err != nil {
			continue
		}
		for _, item := range raw.Items {
			var p podSpec
			if err := json.Unmarshal(item, &p, json.MatchCaseInsensitiveNames(true)); err != nil {
				k.t.Error(err)
				return
			}
			k.tend(ctx, p)
		}
	}
}

func (k *kubelet) tend(ctx context.Context, p podSpec) {
	k.mu.Lock()
	cmd, known := k.pods[p.Metadata.UID]
	if !known {
		k.pods[p.Metadata.UID] = nil
	}
	k.mu.Unlock()
	image := p.Spec.Containers[0].Image
	switch {
	case p.Metadata.DeletionTimestamp != nil && image != "lost":
		if cmd != nil {
			syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) //nolint:errcheck // it may have ended
			cmd.Wait()                                      //nolint:errcheck // whatever it answers
		}
		k.try("DELETE", k.pod(p), object{"gracePeriodSeconds": 0}, nil) //nolint:errcheck // tried again
	case known:
	case image == "unpullable":
		k.status(p, object{"phase": "Pending", "containerStatuses": k.container(p, object{"waiting": object{"reason": "ImagePullBackOff", "message": "pull access denied for unpullable"}})})
	case image == "unschedulable":
		k.status(p, object{"phase": "Pending", "conditions": []any{object{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available: 3 Insufficient memory."}}})
	case image == "oom":
		k.status(p, object{"phase": "Failed", "containerStatuses": k.container(p, object{"terminated": object{"exitCode": 137, "reason": "OOMKilled"}})})
	case image == "missing":
		k.status(p, object{"phase": "Failed", "containerStatuses": k.container(p, object{"terminated": object{"exitCode": 128, "reason": "StartError", "message": `exec: "nothing": executable file not found in $PATH`}})})
	case image == "evicted":
		k.status(p, object{"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."})
	default:
		k.begin(ctx, p)
	}
}

func (k *kubelet) pod(p podSpec) string {
	return "/api/v1/namespaces/" + p.Metadata.Namespace + "/pods/" + p.Metadata.Name
}

func (k *kubelet) status(p podSpec, status object) {
	if err := k.try("PATCH", k.pod(p)+"/status", object{"status": status}, nil); err != nil && k.t.Context().Err() == nil {
		k.t.Log(err)
	}
}

func (k *kubelet) container(p podSpec, state object) []any {
	c := p.Spec.Containers[0]
	return []any{object{"name": c.Name, "image": c.Image, "imageID": "", "ready": false, "restartCount": 0, "state": state}}
}

// begin runs the pod's command.
func (k *kubelet) begin(ctx context.Context, p podSpec) {
	c := p.Spec.Containers[0]
	if err := k.try("POST", k.pod(p)+"/binding", object{
		"apiVersion": "v1", "kind": "Binding", "metadata": object{"name": p.Metadata.Name}, "target": object{"apiVersion": "v1", "kind": "Node", "name": "stand-in"},
	}, nil); err != nil {
		k.t.Log(err)
		return
	}
	cmd := exec.Command(c.Args[0], c.Args[1:]...)
	cmd.Env = []string{"PATH=" + k.path, "HOME=" + k.dir}
	for _, e := range c.Env {
		cmd.Env = append(cmd.Env, e.Name+"="+e.Value)
	}
	for _, from := range c.EnvFrom {
		var secret struct {
			Data map[string][]byte `json:"data"`
		}
		k.try("GET", "/api/v1/namespaces/"+p.Metadata.Namespace+"/secrets/"+from.SecretRef.Name, nil, &secret) //nolint:errcheck // the run fails, then
		for name, value := range secret.Data {
			cmd.Env = append(cmd.Env, name+"="+string(value))
		}
	}
	cmd.Path = k.find(c.Args[0])
	cmd.Dir, cmd.SysProcAttr = k.dir, &syscall.SysProcAttr{Setpgid: true}
	log := &stamping{path: filepath.Join(k.dir, p.Metadata.Name+".log")}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Err = nil
	if err := cmd.Start(); err != nil {
		k.t.Log(err)
		return
	}
	k.mu.Lock()
	k.pods[p.Metadata.UID] = cmd
	k.mu.Unlock()
	k.status(p, object{"phase": "Running", "containerStatuses": k.container(p, object{"running": object{"startedAt": time.Now().UTC().Format(time.RFC3339)}})})
	go func() {
		cmd.Wait() //nolint:errcheck // its state says it
		if ctx.Err() != nil {
			return
		}
		phase, code := "Succeeded", cmd.ProcessState.ExitCode()
		if code != 0 {
			phase = "Failed"
		}
		k.status(p, object{"phase": phase, "containerStatuses": k.container(p, object{"running": nil, "terminated": object{"exitCode": code, "reason": "Error"}})})
	}()
}

func (k *kubelet) find(program string) string {
	for _, dir := range filepath.SplitList(k.path) {
		path := filepath.Join(dir, program)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return program
}

// stamping writes lines with their times, as nodes keep logs.
type stamping struct {
	path string
	mu   sync.Mutex
}

func (s *stamping) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	file, err := os.OpenFile(s.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer file.Close() //nolint:errcheck // a short write is an error already
	for line := range bytes.Lines(p) {
		if _, err := fmt.Fprintf(file, "%s %s\n", time.Now().UTC().Format(time.RFC3339Nano), bytes.TrimRight(line, "\n")); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// serveLogs answers /containerLogs/namespace/pod/container with what there is.
func (k *kubelet) serveLogs(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/containerLogs/"), "/")
	data, err := os.ReadFile(filepath.Join(k.dir, parts[min(1, len(parts)-1)]+".log"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Write(data) //nolint:errcheck // who asked notices
}
