//go:build linux

package steps_test

import (
	"os"
	"path/filepath"
	"strings"
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
	registry := testkit.StartRegistry(t)
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
	name := registry.Host + "/team/flows"
	out, err := s.Run(t.Context(), []any{
		step(buildImage, map[string]any{"id": "built", "image_name": name, "tag": "1", "additional_tags": []any{"newest"}, "buildargs": map[string]any{"WHO": "me"}, "pull": false}),
		step(pushImage, map[string]any{
			"image_name": "{{ built.image_name }}", "tag": "{{ built.tag }}", "additional_tags": "{{ built.additional_tags }}",
			"credentials": map[string]any{"username": registry.User, "password": registry.Password, "registry_url": registry.Host},
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if out.Values["image"] != name+":1" {
		t.Errorf("outputs %v", out.Values)
	}
	if diff := cmp.Diff([]string{"1", "newest"}, registry.Tags("team/flows")); diff != "" {
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
		"image_name": name, "tag": "1", "credentials": map[string]any{"username": registry.User, "password": "wrong-secret", "registry_url": registry.Host},
	})})
	if err == nil || !strings.Contains(err.Error(), "could not be pushed") || strings.Contains(err.Error(), "wrong-secret") {
		t.Errorf("error %v", err)
	}
	_, err = s.Run(t.Context(), []any{step(buildImage, map[string]any{"image_name": name, "dockerfile": "auto"})})
	if err == nil || !strings.Contains(err.Error(), "Dockerfile already exists") {
		t.Errorf("error %v", err)
	}
}
