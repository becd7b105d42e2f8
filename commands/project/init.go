// Package project holds the command that makes a directory a project.
package project

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
)

type initOptions struct {
	env    *cli.Env
	name   string
	recipe string
	fields []string
	output output.Options
}

// NewInitCmd makes usher init, which is usher deploy init too.
func NewInitCmd(env *cli.Env) *cobra.Command {
	opts := &initOptions{env: env}
	cmd := &cobra.Command{
		Use:   "init",
		Short: "make this directory a project with a prefect.yaml",
		Long: "Writes prefect.yaml and .prefectignore where there are none. How the code comes to where it runs is read off the\n" +
			"directory, from its git remote and its Dockerfile, unless --recipe says it.",
		Example: "usher init\nusher init --recipe docker --field image_name=registry.example/etl --field tag=v1",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	flags := cmd.Flags()
	flags.StringVar(&opts.name, "name", "", "the project's `name`; the directory's by default")
	flags.StringVar(&opts.recipe, "recipe", "", "how the code comes to where it runs: "+strings.Join(recipeNames(), ", "))
	flags.StringArrayVarP(&opts.fields, "field", "f", nil, "something that the recipe needs, as `name=value`; repeatable")
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[initialized]())
	_ = cmd.RegisterFlagCompletionFunc("recipe", cobra.FixedCompletions(recipeNames(), cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	return cmd
}

// initialized says which files were made.
type initialized struct {
	Directory string   `json:"directory"`
	Files     []string `json:"files"`
}

func recipeNames() []string {
	var names []string
	for _, r := range recipes() {
		names = append(names, r.name)
	}
	return names
}

func (o *initOptions) run(ctx context.Context) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	known := look(ctx, dir)
	chosen, err := o.choose(ctx, known)
	if err != nil {
		return err
	}
	given, err := o.given(chosen)
	if err != nil {
		return err
	}
	if err := o.complete(ctx, chosen, given); err != nil {
		return err
	}
	for name, value := range given {
		known[name] = value
	}
	if o.name != "" {
		known[knownName] = o.name
	}
	return o.write(dir, map[string]string{".prefectignore": ignoreFile, "prefect.yaml": prefectFile(chosen, known)})
}

// choose takes the recipe that was named, or asks, or takes what fits the directory.
func (o *initOptions) choose(ctx context.Context, known map[string]string) (recipe, error) {
	all := recipes()
	if o.recipe != "" {
		i := slices.IndexFunc(all, func(r recipe) bool { return r.name == o.recipe })
		if i < 0 {
			return recipe{}, cli.NotFound("recipe", o.recipe, recipeNames())
		}
		return all[i], nil
	}
	fitting := slices.IndexFunc(all, func(r recipe) bool { return r.name == fits(known) })
	if !o.env.Interactive() {
		return all[fitting], nil
	}
	choices := []string{all[fitting].name + ": " + all[fitting].description + ", which fits this directory"}
	for _, r := range all {
		choices = append(choices, r.name+": "+r.description)
	}
	i, err := o.env.Streams.Select(ctx, "How is the code to come to where it runs?", choices)
	if err != nil {
		return recipe{}, err
	}
	if i == 0 {
		return all[fitting], nil
	}
	o.recipe = all[i-1].name
	return all[i-1], nil
}

// fits is the name of the recipe that suits a directory.
func fits(known map[string]string) string {
	hasImage, hasRemote := known[knownDockerfile] == dockerfile, known[knownRepository] != ""
	switch {
	case hasImage && hasRemote:
		return "docker-git"
	case hasRemote:
		return "git"
	case hasImage:
		return "docker"
	}
	return "local"
}

// given reads the fields. One that the recipe does not use is worth a word: it may be misspelt.
func (o *initOptions) given(r recipe) (map[string]string, error) {
	given := map[string]string{}
	for _, field := range o.fields {
		name, value, ok := strings.Cut(field, "=")
		if !ok || name == "" {
			return nil, cli.Usagef("--field %q is not of the form name=value", field)
		}
		if !r.uses(name) {
			o.env.Warn(fmt.Sprintf("recipe %s has no field %q", r.name, name))
		}
		given[name] = value
	}
	return given, nil
}

func (r recipe) uses(name string) bool {
	return slices.ContainsFunc(slices.Concat(r.build, r.push, r.pull), func(s step) bool {
		return slices.ContainsFunc(s.args, func(arg [2]string) bool { return strings.Contains(arg[1], "{{ "+name+" }}") })
	})
}

// complete asks for what the recipe needs. A recipe that was not asked for leaves it open, for
// the user to fill in.
func (o *initOptions) complete(ctx context.Context, r recipe, given map[string]string) error {
	var missing []string
	for _, in := range r.inputs {
		if given[in.name] != "" {
			continue
		}
		if o.env.Interactive() {
			answer, err := o.env.Streams.Input(ctx, in.question, "")
			if err != nil {
				return err
			}
			given[in.name] = answer
		}
		if given[in.name] == "" {
			delete(given, in.name)
			missing = append(missing, in.name)
		}
	}
	switch {
	case len(missing) == 0:
	case o.recipe == "":
		o.env.Warn("prefect.yaml leaves open, for you to fill in: " + strings.Join(missing, ", "))
	default:
		return cli.Usagef("recipe %s needs %s", r.name, strings.Join(missing, ", ")).WithHint("say --field " + missing[0] + "=…")
	}
	return nil
}

// write makes the files that are not there yet.
func (o *initOptions) write(dir string, files map[string]string) error {
	made := []string{}
	for _, name := range []string{".prefectignore", "prefect.yaml"} {
		file, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // to be read by all who have the project
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return api.Errorf(api.CodeInvalid, "write %s: %w", name, err)
		}
		_, err = file.WriteString(files[name])
		if err = errors.Join(err, file.Close()); err != nil {
			return api.Errorf(api.CodeInvalid, "write %s: %w", name, err)
		}
		made = append(made, name)
	}
	words := dir + " is a project already; nothing was written."
	if len(made) > 0 {
		words = dir + " is a project now; new are " + strings.Join(made, ", ") + "."
	}
	return cli.Result(o.env, o.output, initialized{Directory: dir, Files: made}, "%s", words)
}
