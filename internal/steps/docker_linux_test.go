//go:build linux

package steps_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/testkit"
)

const (
	buildImage = "prefect_docker.deployments.steps.build_docker_image"
	pushImage  = "prefect_docker.deployments.steps.push_docker_image"
)

// TestImagesAreBuiltAndPushed builds and pushes with a real engine and no Python.
func TestImagesAreBuiltAndPushed(t *testing.T) {
	t.Parallel()
	engine := testkit.StartPodman(t)
	registry := newRegistry(t)
	s := newStage(t)
	s.Env["DOCKER_HOST"] = engine.Host
	for name, data := range map[string]string{
		"Dockerfile": "FROM scratch\nARG WHO\nLABEL who=$WHO\nCOPY . /app/\n", ".dockerignore": "secret*\n*/deep\n", "flow.py": "x", "secret.env": "no", "a/deep/b": "no", "a/c": "x",
	} {
		file := filepath.Join(s.Dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	name := registry.host + "/team/flows"
	out, err := s.Run(t.Context(), []any{
		step(buildImage, map[string]any{"id": "built", "image_name": name, "tag": "1", "additional_tags": []any{"newest"}, "buildargs": map[string]any{"WHO": "me"}, "pull": false}),
		step(pushImage, map[string]any{
			"image_name": "{{ built.image_name }}", "tag": "{{ built.tag }}", "additional_tags": "{{ built.additional_tags }}",
			"credentials": map[string]any{"username": "someone", "password": "open sesame", "registry_url": registry.host},
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if out.Values["image"] != name+":1" {
		t.Errorf("outputs %v", out.Values)
	}
	if diff := cmp.Diff([]string{"1", "newest"}, registry.tags()); diff != "" {
		t.Error(diff)
	}
	if label := engine.Run(t, "inspect", "--format", `{{ index .Config.Labels "who" }}`, name+":1"); strings.TrimSpace(label) != "me" {
		t.Errorf("label %q", label)
	}
	id := strings.TrimSpace(engine.Run(t, "create", name+":1", "/x"))
	files := engine.Run(t, "export", id)
	if !strings.Contains(files, "app/flow.py") || !strings.Contains(files, "app/a/c") || strings.Contains(files, "secret.env") || strings.Contains(files, "deep/b") {
		t.Error("the image does not hold what .dockerignore leaves")
	}
	_, err = s.Run(t.Context(), []any{step(pushImage, map[string]any{
		"image_name": name, "tag": "1", "credentials": map[string]any{"username": "someone", "password": "wrong-secret", "registry_url": registry.host},
	})})
	if err == nil || !strings.Contains(err.Error(), "could not be pushed") || strings.Contains(err.Error(), "wrong-secret") {
		t.Errorf("error %v", err)
	}
	_, err = s.Run(t.Context(), []any{step(buildImage, map[string]any{"image_name": name, "dockerfile": "auto"})})
	if err == nil || !strings.Contains(err.Error(), "Dockerfile already exists") {
		t.Errorf("error %v", err)
	}
}

// registry keeps what is pushed by one user, as the OCI distribution specification says.
type registry struct {
	host string

	mu        sync.Mutex
	blobs     map[string][]byte
	manifests map[string][]byte
}

func newRegistry(t *testing.T) *registry {
	t.Helper()
	r := &registry{blobs: map[string][]byte{}, manifests: map[string][]byte{}}
	server := httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(server.Close)
	r.host = strings.TrimPrefix(server.URL, "http://")
	return r
}

func (r *registry) tags() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.manifests))
}

func (r *registry) serve(w http.ResponseWriter, req *http.Request) {
	if user, password, _ := req.BasicAuth(); user != "someone" || password != "open sesame" {
		w.Header().Set("Www-Authenticate", `Basic realm="registry"`)
		http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
		return
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	const upload = "/v2/team/flows/blobs/uploads/one"
	last := req.URL.Path[strings.LastIndexByte(req.URL.Path, '/')+1:]
	sum := sha256.Sum256(body)
	digest := "sha256:" + hex.EncodeToString(sum[:])
	switch {
	case req.URL.Path == "/v2/":
	case req.Method == http.MethodPost: // begins an upload; one at a time is enough to keep all
		w.Header().Set("Location", upload)
		w.WriteHeader(http.StatusAccepted)
	case req.Method == http.MethodPatch:
		r.blobs[digest] = body
		w.Header().Set("Location", upload)
		w.WriteHeader(http.StatusAccepted)
	case req.Method == http.MethodPut && strings.Contains(req.URL.Path, "/blobs/"):
		if len(body) > 0 {
			r.blobs[digest] = body
		}
		w.WriteHeader(http.StatusCreated)
	case req.Method == http.MethodPut:
		r.manifests[last] = body
		w.Header().Set("Docker-Content-Digest", digest)
		w.WriteHeader(http.StatusCreated)
	case r.blobs[last] != nil:
		w.Write(r.blobs[last]) //nolint:errcheck // who asked notices
	default:
		http.Error(w, `{"errors":[{"code":"BLOB_UNKNOWN"}]}`, http.StatusNotFound)
	}
}
