package commands

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
)

// extensionPrefix begins the names of programs that are commands of ours: usher-foo on the
// PATH is `usher foo`.
const extensionPrefix = "usher-"

// extension finds the program that a line begins with, if that is no command.
func extension(line []string) (path string, ok bool) {
	if len(line) == 0 || line[0] == "" || strings.ContainsAny(line[0], `/\`) {
		return "", false
	}
	path, err := exec.LookPath(extensionPrefix + line[0])
	return path, err == nil
}

// runExtension hands the rest of the line to an extension. Its exit code becomes ours.
func runExtension(env *cli.Env, path string, args []string) error {
	cmd := exec.Command(path, args...) //nolint:gosec,noctx // the user's own program; Ctrl-C reaches it by itself
	cmd.Stdin, cmd.Stdout, cmd.Stderr = env.Streams.In, env.Streams.Out, env.Streams.Err
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return cli.Quiet(cli.ExitCode(exit.ExitCode()))
	}
	return err
}

// extensions lists the names of what is on the PATH, but those of commands.
func extensions(root *cobra.Command) []string {
	var names []string
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		for _, file := range fileNames(folder) {
			name, isOne := strings.CutPrefix(file, extensionPrefix)
			if !isOne {
				continue
			}
			name = strings.TrimSuffix(name, ".exe")
			if _, ok := extension([]string{name}); ok && !isCommand(root, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// fileNames lists a folder in no order, since those on the PATH are large. Of one that can't
// be read it lists what can.
func fileNames(folder string) []string {
	dir, err := os.Open(folder)
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	return names
}

func isCommand(root *cobra.Command, name string) bool {
	return slices.ContainsFunc(root.Commands(), func(c *cobra.Command) bool { return c.Name() == name || c.HasAlias(name) })
}

// addExtensions puts the extensions into the tree, for the help to list.
func addExtensions(root *cobra.Command) {
	names := extensions(root)
	if len(names) == 0 {
		return
	}
	root.AddGroup(&cobra.Group{ID: "extensions", Title: "Extensions"})
	for _, name := range names {
		root.AddCommand(&cobra.Command{
			Use: name, Short: "runs " + extensionPrefix + name, GroupID: "extensions", RunE: func(*cobra.Command, []string) error { return nil },
		})
	}
}
