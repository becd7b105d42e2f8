package project

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const dockerfile = "Dockerfile"

// look finds out what a directory tells of its project.
func look(ctx context.Context, dir string) map[string]string {
	known := map[string]string{knownName: filepath.Base(dir), "folder": filepath.Base(dir), knownDirectory: dir, knownDockerfile: "auto"}
	if _, err := os.Stat(filepath.Join(dir, dockerfile)); err == nil {
		known[knownDockerfile] = dockerfile
	}
	if remote := git(ctx, dir, "config", "--get", "remote.origin.url"); remote != "" {
		known[knownRepository] = remote
		known[knownBranch] = "main"
		if branch := git(ctx, dir, "symbolic-ref", "--short", "HEAD"); branch != "" {
			known[knownBranch] = branch
		}
	}
	return known
}

// Git is where the repository of the directory comes from, and its branch; "" and main if it is
// none.
func Git(ctx context.Context, dir string) (remote, branch string) {
	known := look(ctx, dir)
	if known[knownRepository] == "" {
		return "", "main"
	}
	return known[knownRepository], known[knownBranch]
}

// git asks git something; without git or an answer it is "".
func git(ctx context.Context, dir string, args ...string) string {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
