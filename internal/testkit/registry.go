package testkit

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Registry keeps images of one user, as the OCI distribution specification says.
type Registry struct {
	// Host is where it answers; User and Password let in.
	Host, User, Password string

	mu        sync.Mutex
	blobs     map[string][]byte
	manifests map[string]manifest // by repository:tag and repository@digest
}

type manifest struct {
	kind string
	data []byte
}

// StartRegistry starts a registry that keeps nothing yet.
func StartRegistry(t testing.TB) *Registry {
	t.Helper()
	r := &Registry{User: "someone", Password: "open sesame", blobs: map[string][]byte{}, manifests: map[string]manifest{}}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.Host = strings.TrimPrefix(server.URL, "http://")
	return r
}

// Tags are the tags of a repository.
func (r *Registry) Tags(repository string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var tags []string
	for _, name := range slices.Sorted(maps.Keys(r.manifests)) {
		if tag, ok := strings.CutPrefix(name, repository+":"); ok {
			tags = append(tags, tag)
		}
	}
	return tags
}

// ServeHTTP is the registry.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if user, password, _ := req.BasicAuth(); user != r.User || password != r.Password {
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
	path := strings.TrimPrefix(req.URL.Path, "/v2/")
	if repository, name, ok := strings.Cut(path, "/manifests/"); ok {
		r.manifest(w, req, repository, name, body)
		return
	}
	repository, blob, _ := strings.Cut(path, "/blobs/")
	digest := digestOf(body)
	switch {
	case path == "":
	case req.Method == http.MethodPost, req.Method == http.MethodPatch: // a blob comes in one piece, so its digest says which it is
		if req.Method == http.MethodPatch {
			r.blobs[digest] = body
		}
		w.Header().Set("Location", "/v2/"+repository+"/blobs/uploads/one")
		w.WriteHeader(http.StatusAccepted)
	case req.Method == http.MethodPut:
		if len(body) > 0 {
			r.blobs[digest] = body
		}
		w.WriteHeader(http.StatusCreated)
	case r.blobs[blob] != nil:
		w.Write(r.blobs[blob]) //nolint:errcheck // who asked notices
	default:
		http.Error(w, `{"errors":[{"code":"BLOB_UNKNOWN"}]}`, http.StatusNotFound)
	}
}

func (r *Registry) manifest(w http.ResponseWriter, req *http.Request, repository, name string, body []byte) {
	if req.Method == http.MethodPut {
		kept := manifest{req.Header.Get("Content-Type"), body}
		r.manifests[repository+":"+name], r.manifests[repository+"@"+digestOf(body)] = kept, kept
		w.Header().Set("Docker-Content-Digest", digestOf(body))
		w.WriteHeader(http.StatusCreated)
		return
	}
	found, ok := r.manifests[repository+":"+name]
	if !ok {
		found, ok = r.manifests[repository+"@"+name]
	}
	if !ok {
		http.Error(w, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}`, http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", cmp.Or(found.kind, "application/vnd.oci.image.manifest.v1+json"))
	w.Header().Set("Docker-Content-Digest", digestOf(found.data))
	w.Write(found.data) //nolint:errcheck // who asked notices
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
