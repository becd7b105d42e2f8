package process

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/usherhq/usher/internal/python"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
	"github.com/usherhq/usher/internal/worker"
)

// python is the interpreter for a job, with the arguments that start it.
func (k *Kind) python(ctx context.Context, job *worker.Job, dir string) ([]string, error) {
	if len(job.Python) > 0 {
		return slices.Clone(job.Python), nil
	}
	if named, ok := job.Config.Rest["python"].(string); ok && named != "" {
		return jobtemplate.Split(named)
	}
	if k.Python != "" {
		return []string{k.Python}, nil
	}
	if uv := uvProject(job.Env, dir); uv != nil {
		return uv, nil
	}
	found, err := k.Finder.Find(ctx, append([]string{dir}, projectDirs(job)...), job.Env)
	return []string{found}, err
}

// projectDirs are the directories on this machine that the deployment runs in.
func projectDirs(job *worker.Job) []string {
	d := job.Deployment
	if d == nil {
		return nil
	}
	var dirs []string
	if d.Path != nil && filepath.IsAbs(*d.Path) {
		dirs = append(dirs, *d.Path)
	}
	for _, raw := range d.PullSteps {
		step, err := jobtemplate.ParseObject(raw)
		if err != nil {
			continue
		}
		for name, args := range step {
			at, _ := jobtemplate.Lookup(args, "directory")
			if target, ok := at.(string); ok && strings.HasSuffix(name, ".set_working_directory") && filepath.IsAbs(target) {
				dirs = append(dirs, target)
			}
		}
	}
	return dirs
}

// uvProject starts Python through uv where the settings ask for it and the directory is a
// project that depends on prefect.
func uvProject(env map[string]string, dir string) []string {
	switch strings.ToLower(env["PREFECT_RUNNER_AUTO_INSTALL_DEPENDENCIES"]) {
	case "1", "true", "yes", "on", "t", "y":
	default:
		return nil
	}
	uv, err := python.LookPath("uv", env["PATH"])
	if err != nil || !dependsOnPrefect(filepath.Join(dir, "pyproject.toml")) {
		return nil
	}
	return []string{uv, "run", "--no-default-groups", "--project", dir}
}

func dependsOnPrefect(path string) bool {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return false
	}
	var file struct {
		Project struct {
			Dependencies []string `toml:"dependencies"`
		} `toml:"project"`
	}
	if err != nil || toml.Unmarshal(data, &file) != nil {
		return false
	}
	for _, dependency := range file.Project.Dependencies {
		name := strings.FieldsFunc(dependency, func(r rune) bool { return strings.ContainsRune(" <>=!~;[(@", r) })
		if len(name) > 0 && strings.EqualFold(strings.ReplaceAll(name[0], "_", "-"), "prefect") {
			return true
		}
	}
	return false
}
