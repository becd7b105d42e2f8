package environment_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/usherhq/usher/internal/python/environment"
)

func TestDeclarationsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file, content, name string
		want                string
	}{
		{"requirements.txt", "-r missing.txt\n", "", "missing.txt"},
		{"requirements.txt", "x\n", "other.txt", "other.txt is not there"},
		{"pyproject.toml", "[project\n", "", "pyproject.toml"},
		{"pyproject.toml", "[tool.x]\n", "", "no [project]"},
		{"pyproject.toml", "[project]\nname='p'\ndynamic=['dependencies']\n", "", "computed when it is built"},
		{"uv.lock", "", "uv.lock", "needs uv"},
		{"poetry.lock", "[metadata]\nlock-version = '2.0'\n", "", "run poetry lock with Poetry 2"},
		{"poetry.lock", "[[package]\n", "", "poetry.lock"},
		{"poetry.lock", "[[package]]\nname='x'\nversion='1'\ngroups=['main']\n[package.source]\ntype='svn'\n[metadata]\nlock-version='2.1'\n", "", `x comes from "svn"`},
		{"poetry.lock", "[[package]]\nname='--pre'\nversion='1'\ngroups=['main']\n[metadata]\nlock-version='2.1'\n", "", `"--pre" is not a package`},
		{"pylock.toml", "lock-version = '2.0'\n", "", `version "2.0"`},
		{"pylock.toml", "lock-version = '1.0'\n", "", "no packages"},
		{"pylock.prod.toml", "lock-version = '1.0'\n[[packages]]\nname='x'\nversion='1'\n", "pylock.prod.toml", "x has no files with hashes"},
		{"README", "", "", "there is no uv.lock, pylock.toml, requirements.txt, poetry.lock, pyproject.toml"},
	} {
		dir := project(t, map[string]string{c.file: c.content})
		if _, err := environment.Declared(dir, c.name, false); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: %v", c.file, c.content, err)
		}
	}
}

func TestALockIsPassedOverWithoutUV(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"uv.lock": "", "requirements.txt": "x\n"})
	d, err := environment.Declared(dir, "", false)
	if err != nil || d.Name() != "requirements.txt" {
		t.Errorf("%v", err)
	}
}

func TestSourcesOfProjects(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"pyproject.toml": "[project]\nname='p'\n", "src/p/__init__.py": ""})
	d, err := environment.Declared(dir, "", false)
	if err != nil || d.Source() != filepath.Join(dir, "src") {
		t.Errorf("%v", err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "src")); err != nil || d.Source() != "" {
		t.Errorf("%v %s", err, d.Source())
	}
}
