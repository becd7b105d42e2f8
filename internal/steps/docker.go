package steps

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/docker"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
)

const (
	buildStep = "prefect_docker.deployments.steps.build_docker_image"
	pushStep  = "prefect_docker.deployments.steps.push_docker_image"
	// baseImage is what a Dockerfile that is made up begins with.
	baseImage = "prefecthq/prefect:3-latest"
	// namespaceSetting is put before names of images that have none.
	namespaceSetting = "PREFECT_DEPLOYMENTS_DEFAULT_DOCKER_BUILD_NAMESPACE"
)

// known are the arguments that the engine is asked for here; with any other, and with buildx,
// the step is the Python function's.
var known = map[string][]string{
	buildStep: {
		"image_name", "dockerfile", "tag", "additional_tags", "ignore_cache", "persist_dockerfile", "dockerfile_output_path", "build_backend",
		"path", "platform", "buildargs", "pull", "labels", "nocache", "target", "stream_progress_to",
	},
	pushStep: {"image_name", "tag", "credentials", "additional_tags", "build_backend"},
}

// isNative says whether the engine can be asked for the step without Python.
func isNative(s step) bool {
	names, ok := known[s.name]
	if !ok {
		return false
	}
	if backend, given := s.args["build_backend"]; given && backend != "docker-py" {
		return false
	}
	for name := range s.args {
		if !slices.Contains(names, name) || name == "stream_progress_to" {
			return false
		}
	}
	return true
}

// isImageRequirement says that nothing but the reference's package for images is required.
func isImageRequirement(requires []string) bool {
	return !slices.ContainsFunc(requires, func(r string) bool {
		return !strings.HasPrefix(strings.ReplaceAll(r, "_", "-"), "prefect-docker")
	})
}

func (r Runner) lookup(name string) (string, bool) {
	value, ok := r.Env[name]
	return value, ok
}

func text(args map[string]any, key, otherwise string) string {
	if value := args[key]; value != nil && value != "" {
		return jobtemplate.Text(value)
	}
	return otherwise
}

// buildImage builds an image of the project.
func (r Runner) buildImage(ctx context.Context, args map[string]any, dir string) (map[string]any, error) {
	engine, err := docker.New(r.lookup)
	if err != nil {
		return nil, err
	}
	name := text(args, "image_name", "")
	if name == "" {
		return nil, api.Errorf(api.CodeInvalid, "build_docker_image needs the argument image_name")
	}
	if namespace := r.Env[namespaceSetting]; namespace != "" && !strings.Contains(name, "/") {
		name = namespace + "/" + name
	}
	tag := text(args, "tag", strings.NewReplacer(":", "-", ".", "-", "T", "t", "Z", "z").Replace(time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")))
	root := under(dir, text(args, "path", "."))
	query := url.Values{"t": {name + ":" + tag}, "pull": {"true"}, "rm": {"true"}}
	made, err := r.dockerfile(args, root, query)
	if err != nil {
		return nil, err
	}
	if pull, ok := args["pull"].(bool); ok && !pull {
		query.Del("pull")
	}
	if none, ok := args["nocache"].(bool); ok && none {
		query.Set("nocache", "true")
	}
	for _, key := range []string{"platform", "target"} {
		if value := text(args, key, ""); value != "" {
			query.Set(key, value)
		}
	}
	labels := map[string]string{}
	for _, key := range []string{"labels", "buildargs"} {
		object, _ := args[key].(map[string]any)
		texts := map[string]string{}
		for member, value := range object {
			texts[member] = jobtemplate.Text(value)
		}
		if key == "labels" {
			labels = texts
			labels["io.prefect.version"] = r.Env["PREFECT_VERSION"]
			if labels["io.prefect.version"] == "" {
				delete(labels, "io.prefect.version")
			}
		}
		encoded, err := json.Marshal(texts)
		if err != nil {
			return nil, err
		}
		query.Set(key, string(encoded))
	}
	archive, write := io.Pipe()
	go func() { write.CloseWithError(pack(write, root, made)) }() //nolint:errcheck // it never fails
	id, err := engine.Build(ctx, archive, query, r.Say)
	archive.Close() //nolint:errcheck // ends the packing, if the engine did not want it all
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, "the image %s could not be built: %w", name, err)
	}
	more := stringList(args["additional_tags"])
	for _, t := range more {
		if err := engine.Tag(ctx, name+":"+tag, name, t); err != nil {
			return nil, err
		}
	}
	return map[string]any{"image_name": name, "tag": tag, "image": name + ":" + tag, "image_id": id, "additional_tags": anyList(more)}, nil
}

// dockerfile says in query which file to build by, or makes one up.
func (r Runner) dockerfile(args map[string]any, root string, query url.Values) (made []byte, err error) {
	file := text(args, "dockerfile", "Dockerfile")
	if file != "auto" {
		if filepath.IsAbs(file) {
			if file, err = filepath.Rel(root, file); err != nil {
				return nil, err
			}
		}
		if _, err := os.Stat(filepath.Join(root, file)); err != nil {
			return nil, api.Errorf(api.CodeNotFound, "there is no %s to build by; write one, or say dockerfile: auto: %w", file, err)
		}
		query.Set("dockerfile", filepath.ToSlash(file))
		return nil, nil
	}
	if _, err := os.Stat(filepath.Join(root, "Dockerfile")); err == nil {
		return nil, api.Errorf(api.CodeConflict, "Dockerfile already exists. Build by it (dockerfile: Dockerfile), or remove it.")
	}
	at := "/opt/prefect/" + filepath.Base(root) + "/"
	lines := []string{"FROM " + baseImage}
	if _, err := os.Stat(filepath.Join(root, "requirements.txt")); err == nil {
		lines = append(lines, "COPY requirements.txt "+at+"requirements.txt", "RUN uv pip install -r "+at+"requirements.txt")
	}
	lines = append(lines, "COPY . "+at, "WORKDIR "+at, "")
	made = []byte(strings.Join(lines, "\n"))
	query.Set("dockerfile", madeName)
	if keep, ok := args["persist_dockerfile"].(bool); ok && keep {
		return made, os.WriteFile(under(root, text(args, "dockerfile_output_path", "Dockerfile.generated")), made, 0o644) //nolint:gosec // a file of the project
	}
	return made, nil
}

// madeName is the name of a Dockerfile that is made up, in the context alone.
const madeName = ".usher.Dockerfile"

// pack writes the build context: the project without what .dockerignore names.
func pack(to io.Writer, root string, dockerfile []byte) error {
	var patterns []string
	ignore, err := os.Open(filepath.Join(root, ".dockerignore")) //nolint:gosec // a file of the project
	if err == nil {
		patterns, err = ignorefile.ReadAll(ignore)
		ignore.Close() //nolint:errcheck // it was only read
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	matcher, err := patternmatcher.New(append(patterns, "!.dockerignore", "!Dockerfile"))
	if err != nil {
		return api.Errorf(api.CodeInvalid, ".dockerignore: %w", err)
	}
	archive := tar.NewWriter(to)
	if dockerfile != nil {
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: madeName, Mode: 0o644, Size: int64(len(dockerfile))}); err != nil {
			return err
		}
		if _, err := archive.Write(dockerfile); err != nil {
			return err
		}
	}
	err = filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || file == root {
			return err
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		skip, err := matcher.MatchesOrParentMatches(name)
		switch {
		case err != nil:
			return err
		case skip && entry.IsDir() && !matcher.Exclusions():
			return filepath.SkipDir
		case skip:
			return nil
		}
		return add(archive, file, filepath.ToSlash(name), entry)
	})
	return errors.Join(err, archive.Close())
}

func add(archive *tar.Writer, file, name string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	target := ""
	if info.Mode()&fs.ModeSymlink != 0 {
		if target, err = os.Readlink(file); err != nil {
			return err
		}
	}
	if !info.IsDir() && !info.Mode().IsRegular() && target == "" {
		return nil // sockets and the like are no part of an image
	}
	header, err := tar.FileInfoHeader(info, filepath.ToSlash(target))
	if err != nil {
		return err
	}
	header.Name, header.Uid, header.Gid, header.Uname, header.Gname = path.Clean(name), 0, 0, "", ""
	if info.IsDir() {
		header.Name += "/"
	}
	if err := archive.WriteHeader(header); err != nil || !info.Mode().IsRegular() {
		return err
	}
	from, err := os.Open(file) //nolint:gosec // a file of the project
	if err != nil {
		return err
	}
	defer from.Close() //nolint:errcheck // it was only read
	_, err = io.CopyN(archive, from, info.Size())
	return err
}

// pushImage pushes an image with its tags.
func (r Runner) pushImage(ctx context.Context, args map[string]any) (map[string]any, error) {
	engine, err := docker.New(r.lookup)
	if err != nil {
		return nil, err
	}
	name, tag := text(args, "image_name", ""), text(args, "tag", "latest")
	if name == "" {
		return nil, api.Errorf(api.CodeInvalid, "push_docker_image needs the argument image_name")
	}
	var login *docker.Login
	if given, ok := args["credentials"].(map[string]any); ok {
		login = &docker.Login{Username: text(given, "username", ""), Password: text(given, "password", ""), Server: text(given, "registry_url", "")}
	} else {
		login = docker.Configured(ctx, name, r.lookup)
	}
	more := stringList(args["additional_tags"])
	for _, t := range append([]string{tag}, more...) {
		if err := engine.Push(ctx, name, t, login, r.Say); err != nil {
			return nil, api.Errorf(api.CodeInvalid, "the image %s:%s could not be pushed: %w", name, t, err)
		}
	}
	return map[string]any{"image_name": name, "tag": tag, "image": name + ":" + tag, "additional_tags": anyList(more)}, nil
}
