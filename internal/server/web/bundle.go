package web

import (
	"bytes"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// placeholder stands in a bundle's files for the path that it is served below.
const placeholder = "/PREFECT_UI_SERVE_BASE_REPLACE_PLACEHOLDER"

// bundle is one prebuilt user interface.
type bundle struct {
	version string // v1 or v2
	base    string // the path it is served below: /, /v2
	files   fs.FS
	filled  sync.Map // name → []byte, of files that had the placeholder or not
}

// prefix is what stands for the placeholder.
func (b *bundle) prefix() string { return strings.TrimSuffix(b.base, "/") }

// find names the file below the base that a path asks for.
func (b *bundle) find(urlPath string) (name string, ok bool) {
	rest, below := strings.CutPrefix(urlPath, b.prefix()+"/")
	if !below {
		return "", false
	}
	name = path.Clean("/" + rest)[1:]
	info, err := fs.Stat(b.files, name)
	return name, err == nil && !info.IsDir() && !strings.HasSuffix(name, ".map") && name != "mockServiceWorker.js"
}

// serve answers with a file of the bundle.
func (b *bundle) serve(w http.ResponseWriter, r *http.Request, name string) {
	content, err := b.read(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	if kind, known := kinds[path.Ext(name)]; known {
		h.Set("Content-Type", kind)
	}
	h.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, "assets/") { // named by their content
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}

// kinds are spelt out: some systems call scripts plain text, and browsers refuse those.
var kinds = map[string]string{
	".js": "application/javascript", ".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8",
	".json": "application/json", ".txt": "text/plain; charset=utf-8", ".svg": "image/svg+xml", ".woff2": "font/woff2",
}

// read gives a file; in texts the base stands for the placeholder.
func (b *bundle) read(name string) ([]byte, error) {
	if content, known := b.filled.Load(name); known {
		return content.([]byte), nil
	}
	content, err := fs.ReadFile(b.files, name)
	if err != nil || !slices.Contains([]string{".txt", ".html", ".css", ".js", ".json"}, path.Ext(name)) {
		return content, err
	}
	content = bytes.ReplaceAll(content, []byte(placeholder), []byte(b.prefix()))
	b.filled.Store(name, content)
	return content, nil
}

// Find looks for prebuilt interfaces: below dir when it is given, else in the package of
// the reference in the active Python environment. Nothing is run for that.
func Find(dir string, env func(string) string) (v1, v2 string) {
	if dir != "" {
		if isBundle(dir) {
			return dir, ""
		}
		return existing(filepath.Join(dir, "v1"), filepath.Join(dir, "ui")), existing(filepath.Join(dir, "v2"), filepath.Join(dir, "ui-v2"))
	}
	for _, root := range environments(env) {
		for _, pattern := range []string{"lib/python3*/site-packages", "Lib/site-packages"} {
			places, _ := filepath.Glob(filepath.Join(root, pattern, "prefect", "server")) //nolint:errcheck // the pattern is good
			for _, place := range places {
				v1, v2 = existing(filepath.Join(place, "ui")), existing(filepath.Join(place, "ui-v2"))
				if v1 != "" || v2 != "" {
					return v1, v2
				}
			}
		}
	}
	return "", ""
}

// environments are the roots of the Python environments that are active, nearest first.
func environments(env func(string) string) (roots []string) {
	for _, name := range []string{"VIRTUAL_ENV", "CONDA_PREFIX"} {
		if root := env(name); root != "" {
			roots = append(roots, root)
		}
	}
	for _, folder := range filepath.SplitList(env("PATH")) {
		if existing(filepath.Join(folder, "python3"), filepath.Join(folder, "python.exe")) != "" {
			return append(roots, filepath.Dir(folder))
		}
	}
	return roots
}

func isBundle(dir string) bool { return existing(filepath.Join(dir, "index.html")) != "" }

func existing(paths ...string) string {
	for _, p := range paths {
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	return ""
}
