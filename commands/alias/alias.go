// Package alias holds the commands that give lines a name of the user's own.
package alias

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
)

// NewCmd makes usher alias.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("alias", "name the lines that you type often", []string{"aliases"}, func() []*cobra.Command {
		return []*cobra.Command{newSetCmd(env), newListCmd(env), newRemoveCmd(env)}
	})
	cmd.Example = "usher alias set failed 'flow-run ls --state Failed'\nusher failed --limit 3"
	return cmd
}

// Find returns the words that an alias stands for. It is asked only for what is no command.
func Find(env *cli.Env, name string) (words []string, ok bool, err error) {
	all, err := read(env)
	if err != nil {
		return nil, false, err
	}
	line, ok := all[name]
	if !ok {
		return nil, false, nil
	}
	words, err = Split(line)
	return words, err == nil, err
}

type setOptions struct {
	env        *cli.Env
	name, line string
	output     output.Options
}

func newSetCmd(env *cli.Env) *cobra.Command {
	opts := &setOptions{env: env}
	cmd := &cobra.Command{
		Use:     "set",
		Short:   "let a word stand for the beginning of a line",
		Long:    "The line is one argument, so quote it; what is typed behind the alias comes after it. The names of commands can't be taken.",
		Example: "usher alias set failed 'flow-run ls --state Failed'",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Root()) },
	}
	cli.Positionals(cmd, cli.Positional{Name: "name", Value: &opts.name, Required: true}, cli.Positional{Name: "line", Value: &opts.line, Required: true})
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[entry]())
	return cmd
}

func (o *setOptions) run(root *cobra.Command) error {
	if strings.HasPrefix(o.name, "-") || strings.ContainsAny(o.name, " \t/\\'\"=") || o.name == "" {
		return cli.Usagef("%q can't be the name of an alias: it is one word of letters, digits, - and _", o.name)
	}
	if command(root, o.name) != nil || o.name == "help" {
		return cli.Usagef("%q is a command of usher already", o.name)
	}
	words, err := Split(strings.TrimPrefix(strings.TrimSpace(o.line), "usher "))
	if err != nil {
		return err
	}
	if len(words) == 0 || command(root, words[0]) == nil {
		return cli.Usagef("%q does not begin with a command of usher", o.line).WithHint("for a program of your own, put `usher-" + o.name + "` on the PATH")
	}
	all, err := read(o.env)
	if err != nil {
		return err
	}
	all[o.name] = strings.TrimPrefix(strings.TrimSpace(o.line), "usher ")
	if err := write(o.env, all); err != nil {
		return err
	}
	return cli.Result(o.env, o.output, entry{Name: o.name, Line: all[o.name]}, "`usher %s` is `usher %s` now.", o.name, all[o.name])
}

// command is the command of a name or alias below root.
func command(root *cobra.Command, name string) *cobra.Command {
	for _, cmd := range root.Commands() {
		if cmd.Name() == name || cmd.HasAlias(name) {
			return cmd
		}
	}
	return nil
}

// entry is an alias as it is listed.
type entry struct {
	Name string `json:"name"`
	Line string `json:"line"`
}

func newListCmd(env *cli.Env) *cobra.Command {
	var options output.Options
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list your aliases",
		Example: "usher alias ls",
		RunE:    func(*cobra.Command, []string) error { return list(env, options) },
	}
	cli.Positionals(cmd)
	cli.OutputFlags(cmd, &options, output.FieldsOf[entry]())
	return cmd
}

func list(env *cli.Env, options output.Options) error {
	all, err := read(env)
	if err != nil {
		return err
	}
	entries := make([]entry, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		entries = append(entries, entry{Name: name, Line: all[name]})
	}
	printer := env.Printer(options)
	if len(entries) == 0 && !printer.Structured() {
		env.Say("No aliases. `usher alias set failed 'flow-run ls --state Failed'` makes one.")
	}
	return output.List(printer, entries, []output.Column[entry]{
		{Name: "Name", Value: func(e entry) string { return e.Name }, Tone: func(entry) output.Tone { return output.Strong }, Whole: true},
		{Name: "Line", Value: func(e entry) string { return e.Line }},
	})
}

func newRemoveCmd(env *cli.Env) *cobra.Command {
	var name string
	var options output.Options
	cmd := &cobra.Command{
		Use:     "rm",
		Aliases: []string{"delete", "remove"},
		Short:   "forget an alias",
		Example: "usher alias rm failed",
		RunE:    func(*cobra.Command, []string) error { return remove(env, options, name) },
	}
	cli.Positionals(cmd, cli.Positional{
		Name: "name", Value: &name, Required: true,
		Complete: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			all, _ := read(env) // nothing is completed without it
			return slices.Sorted(maps.Keys(all)), cobra.ShellCompDirectiveNoFileComp
		},
	})
	cli.ResultFlags(cmd, &options, output.FieldsOf[entry]())
	return cmd
}

func remove(env *cli.Env, options output.Options, name string) error {
	all, err := read(env)
	if err != nil {
		return err
	}
	gone, ok := all[name]
	if !ok {
		return cli.NotFound("alias", name, slices.Sorted(maps.Keys(all)))
	}
	delete(all, name)
	if err := write(env, all); err != nil {
		return err
	}
	return cli.Result(env, options, entry{Name: name, Line: gone}, "Removed alias %q.", name)
}

func path(env *cli.Env) (string, error) {
	settings, err := env.RawSettings()
	if err != nil {
		return "", err
	}
	return filepath.Join(settings.Home(), "aliases.toml"), nil
}

func read(env *cli.Env) (map[string]string, error) {
	file, err := path(env)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read your aliases: %w", err)
	}
	if err := toml.Unmarshal(text, &all); err != nil {
		return nil, cli.Fail(cli.Failure, fmt.Sprintf("%s holds no aliases: %v", file, err), "a line of it looks like: failed = \"flow-run ls --state Failed\"")
	}
	return all, nil
}

// write replaces the file as a whole, so that none is ever half there.
func write(env *cli.Env, all map[string]string) error {
	file, err := path(env)
	if err != nil {
		return err
	}
	text, err := toml.Marshal(all)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("write your aliases: %w", err)
	}
	fresh := file + ".new"
	if err := replace(fresh, file, text); err != nil {
		return fmt.Errorf("write your aliases: %w", err)
	}
	return nil
}

func replace(fresh, file string, text []byte) error {
	if err := os.WriteFile(fresh, text, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, file)
}
