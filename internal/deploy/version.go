package deploy

import (
	"context"
	"os/exec"
	"strings"

	"github.com/usherhq/usher/internal/api"
)

// host is a place where code is built, with the variable that names the commit there.
type host struct {
	kind   string
	commit string
	others []string // variables that must be there too
}

func hosts() []host {
	return []host{
		{"vcs:github", "GITHUB_SHA", []string{"GITHUB_REF_NAME", "GITHUB_REPOSITORY"}},
		{"vcs:gitlab", "CI_COMMIT_SHA", []string{"CI_COMMIT_REF_NAME", "CI_PROJECT_NAME"}},
		{"vcs:bitbucket", "BITBUCKET_COMMIT", []string{"BITBUCKET_BRANCH", "BITBUCKET_REPO_SLUG"}},
		{"vcs:azuredevops", "BUILD_SOURCEVERSION", []string{"BUILD_SOURCEBRANCHNAME", "BUILD_REPOSITORY_NAME"}},
	}
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

func (d *Deployer) inferred(ctx context.Context, kind string) (api.VersionInfo, error) {
	for _, h := range hosts() {
		if kind != "" && kind != h.kind {
			continue
		}
		missing := d.missing(append([]string{h.commit}, h.others...))
		if len(missing) == 0 {
			return api.VersionInfo{Type: h.kind, Version: short(d.Env[h.commit])}, nil
		}
		if kind == h.kind {
			return api.VersionInfo{}, api.Errorf(api.CodeInvalid, "version type %s needs the variables %s", kind, strings.Join(missing, ", "))
		}
	}
	switch kind {
	case "", "prefect:simple":
		return api.VersionInfo{}, nil
	case "vcs:git":
		cmd := exec.CommandContext(ctx, "git", "rev-parse", "HEAD")
		cmd.Dir = d.Dir
		out, err := cmd.Output()
		if err != nil {
			return api.VersionInfo{}, api.Errorf(api.CodeInvalid, "version type vcs:git: git can't name the commit of %s: %w", d.Dir, err)
		}
		return api.VersionInfo{Type: kind, Version: short(strings.TrimSpace(string(out)))}, nil
	}
	return api.VersionInfo{}, api.Errorf(api.CodeInvalid,
		"%q is no version type; there are prefect:simple, vcs:github, vcs:gitlab, vcs:bitbucket, vcs:azuredevops and vcs:git", kind)
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
