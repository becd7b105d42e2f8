package deploy

import (
	"context"
	"net/url"
	"os/exec"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
)

// host is a place where code is built, with the variables that say there what is built.
type host struct {
	kind                       string
	commit, branch, repository string // variables
	url                        func(env map[string]string, repository, commit string) string
}

func hosts() []host {
	return []host{
		{"vcs:github", "GITHUB_SHA", "GITHUB_REF_NAME", "GITHUB_REPOSITORY", func(env map[string]string, repository, commit string) string {
			return env["GITHUB_SERVER_URL"] + "/" + repository + "/tree/" + commit
		}},
		{"vcs:gitlab", "CI_COMMIT_SHA", "CI_COMMIT_REF_NAME", "CI_PROJECT_NAME", func(env map[string]string, _, commit string) string {
			return env["CI_PROJECT_URL"] + "/-/tree/" + commit
		}},
		{"vcs:bitbucket", "BITBUCKET_COMMIT", "BITBUCKET_BRANCH", "BITBUCKET_REPO_SLUG", func(env map[string]string, _, commit string) string {
			return env["BITBUCKET_GIT_HTTP_ORIGIN"] + "/src/" + commit
		}},
		{"vcs:azuredevops", "BUILD_SOURCEVERSION", "BUILD_SOURCEBRANCHNAME", "BUILD_REPOSITORY_NAME", func(env map[string]string, _, commit string) string {
			return env["BUILD_REPOSITORY_URI"] + "?version=GC" + commit
		}},
	}
}

// source is what a version tells of where it comes from.
type source struct {
	Commit     string `json:"commit_sha"`
	Message    string `json:"message"`
	Branch     string `json:"branch"`
	Repository string `json:"repository"`
	URL        string `json:"url"`
}

// versionOf is the version that a commit is.
func versionOf(kind string, s source) (api.VersionInfo, error) {
	more, err := json.Marshal(s)
	return api.VersionInfo{Type: kind, Version: short(s.Commit), More: more}, err
}

// shortCommit is how much of a commit makes a version.
const shortCommit = 8

// version is the deployment's version and where it comes from: what was asked for, else the
// commit that a CI system names, else the flow's own.
func (d *Deployer) version(ctx context.Context, p *plan) (api.VersionInfo, error) {
	asked, kind := p.config.text("version"), p.config.text("version_type")
	found, err := d.inferred(ctx, kind)
	if err != nil {
		return api.VersionInfo{}, err
	}
	switch {
	case found.Type != "" && asked != "":
		found.Version = asked
		return found, nil
	case found.Type != "":
		return found, nil
	case asked == "" && p.flow.Version != nil:
		asked = *p.flow.Version
	}
	return api.VersionInfo{Type: "prefect:simple", Version: asked}, nil
}

// inferred is the version that the environment tells: that of a CI system, else, as the
// reference does, that of the working copy of git when its remote is known. Unless a kind is
// asked for, one that is not complete is passed over.
func (d *Deployer) inferred(ctx context.Context, kind string) (api.VersionInfo, error) {
	for _, h := range hosts() {
		if kind != "" && kind != h.kind {
			continue
		}
		missing := d.missing([]string{h.commit, h.branch, h.repository})
		if len(missing) == 0 {
			commit, repository := d.Env[h.commit], d.Env[h.repository]
			message, _ := d.git(ctx, "log", "-1", "--pretty=%s") // a copy without git has none
			return versionOf(h.kind, source{commit, message, d.Env[h.branch], repository, h.url(d.Env, repository, commit)})
		}
		if kind == h.kind {
			return api.VersionInfo{}, api.Errorf(api.CodeInvalid, "version type %s needs the variables %s", kind, strings.Join(missing, ", "))
		}
	}
	switch kind {
	case "prefect:simple":
		return api.VersionInfo{}, nil
	case "":
		if s, err := d.workingCopy(ctx); err == nil {
			return versionOf("vcs:git", s)
		}
		return api.VersionInfo{}, nil
	case "vcs:git":
		s, err := d.workingCopy(ctx)
		if err != nil {
			return api.VersionInfo{}, api.Errorf(api.CodeInvalid, "version type vcs:git: git can't name the commit of %s: %w", d.Dir, err)
		}
		return versionOf(kind, s)
	}
	return api.VersionInfo{}, api.Errorf(api.CodeInvalid,
		"%q is no version type; there are prefect:simple, vcs:github, vcs:gitlab, vcs:bitbucket, vcs:azuredevops and vcs:git", kind)
}

// workingCopy is what git tells of the folder that is deployed.
func (d *Deployer) workingCopy(ctx context.Context) (s source, err error) {
	for _, ask := range []struct {
		to   *string
		args []string
	}{
		{&s.Commit, []string{"rev-parse", "HEAD"}},
		{&s.Branch, []string{"rev-parse", "--abbrev-ref", "HEAD"}},
		{&s.Message, []string{"log", "-1", "--pretty=%s"}},
		{&s.URL, []string{"config", "--get", "remote.origin.url"}},
	} {
		if *ask.to, err = d.git(ctx, ask.args...); err != nil {
			return s, err
		}
	}
	s.URL = withoutPassword(s.URL)
	s.Repository = repositoryName(s.URL)
	return s, nil
}

func (d *Deployer) git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = d.Dir
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

// withoutPassword keeps a token in the address of a remote to this machine.
func withoutPassword(remote string) string {
	u, err := url.Parse(remote)
	if err != nil || u.User == nil || u.Scheme == "ssh" {
		return remote
	}
	u.User = nil
	return u.String()
}

// repositoryName is the path of a remote's address, without a slash and .git around it.
func repositoryName(remote string) string {
	path := remote
	if u, err := url.Parse(remote); err == nil {
		path = u.Path
	}
	return strings.TrimSuffix(strings.Trim(path, "/"), ".git")
}

func short(commit string) string { return commit[:min(len(commit), shortCommit)] }

func (d *Deployer) missing(names []string) []string {
	var out []string
	for _, name := range names {
		if d.Env[name] == "" {
			out = append(out, name)
		}
	}
	return out
}
