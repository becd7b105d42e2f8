// Command clidocs writes what is read about the command line outside of it: docs/cli, a page of
// Markdown per noun, and docs/man, the manual pages. Both are made of the tree of commands;
// `make generate` runs it.
package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/commands"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/profile"
	"github.com/usherhq/usher/internal/term"
)

func main() {
	dir := flag.String("dir", "docs", "the `folder` that cli and man are written below")
	flag.Parse()
	if err := write(*dir, pages(tree())); err != nil {
		fmt.Fprintln(os.Stderr, "clidocs:", err)
		os.Exit(1)
	}
}

// tree is the tree of commands, as someone without settings sees it.
func tree() *cobra.Command {
	streams := term.New(strings.NewReader(""), os.Stdout, os.Stderr, func(string) (string, bool) { return "", false })
	return commands.NewRoot(cli.NewEnv(streams, profile.Where{}))
}

// pages are the files, by their paths below docs.
func pages(root *cobra.Command) map[string]string {
	files := map[string]string{"cli/README.md": index(root), "man/usher.1": man(root)}
	for _, noun := range root.Commands() {
		if noun.IsAvailableCommand() {
			files["cli/"+noun.Name()+".md"] = markdown(noun)
			files["man/usher-"+noun.Name()+".1"] = man(noun)
		}
	}
	return files
}

// write makes the folders hold the files and no others.
func write(dir string, files map[string]string) error {
	for _, folder := range []string{"cli", "man"} {
		if err := os.RemoveAll(filepath.Join(dir, folder)); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil { //nolint:gosec // documents
			return err
		}
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(path)), []byte(files[path]), 0o644); err != nil { //nolint:gosec // documents
			return err
		}
	}
	return nil
}

// runnable are the commands at and below cmd that do something, in the order of the help.
func runnable(cmd *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	if !cli.IsGroup(cmd) {
		all = append(all, cmd)
	}
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			all = append(all, runnable(sub)...)
		}
	}
	return all
}
