package workpool

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

func newStorageCmd(env *cli.Env) *cobra.Command {
	configure := cli.Group("configure", "say where the code and the results of a pool's runs are kept", nil, func() (verbs []*cobra.Command) {
		for _, service := range storageServices() {
			verbs = append(verbs, newConfigureCmd(env, service))
		}
		return verbs
	})
	configure.Example = "usher work-pool storage configure s3 local --bucket my-bucket"
	cmd := cli.Group("storage", "look after where a pool's runs keep their code and results", nil, func() []*cobra.Command {
		return []*cobra.Command{newStorageInspectCmd(env), configure}
	})
	cmd.Example = "usher work-pool storage inspect local"
	return cmd
}

// storage is where a pool's runs keep things, as it is shown.
type storage struct {
	Type      string         `json:"type,omitzero"`
	Upload    jsontext.Value `json:"upload,omitzero"`
	Execution jsontext.Value `json:"execution,omitzero"`
}

type storageInspectOptions struct {
	env    *cli.Env
	output output.Options
	name   string
}

func newStorageInspectCmd(env *cli.Env) *cobra.Command {
	opts := &storageInspectOptions{env: env}
	cmd := &cobra.Command{
		Use:     "inspect",
		Aliases: []string{"view"},
		Short:   "show where a pool's runs keep their code and results",
		Example: "usher work-pool storage inspect local\nusher work-pool storage inspect local --json type",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, storageArgument(env, &opts.name))
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[storage]())
	return cmd
}

func storageArgument(env *cli.Env, value *string) cli.Positional {
	return cli.Positional{Name: "work_pool_name", Value: value, Required: true, Complete: env.Complete(find.WorkPools)}
}

func (o *storageInspectOptions) run(ctx context.Context) error {
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	pool, err := find.WorkPool(ctx, c, o.name)
	if err != nil {
		return err
	}
	kept := storageOf(pool.StorageConfiguration)
	printer := o.env.Printer(o.output)
	if kept.Type == "" && !printer.Structured() {
		o.env.Sayf("Work pool %q keeps nothing anywhere. `usher work-pool storage configure` changes that.", pool.Name)
		return nil
	}
	return output.Detail(printer, kept, []output.Column[storage]{
		{Name: "Type", Value: func(s storage) string { return s.Type }, Tone: func(storage) output.Tone { return output.Strong }},
		{Name: "Upload", Value: func(s storage) string { return output.Compact(s.Upload) }},
		{Name: "Execution", Value: func(s storage) string { return output.Compact(s.Execution) }},
	})
}

// storageOf reads a configuration: its steps are objects of one member, the name of a Python
// function, whose value is what it is called with.
func storageOf(c api.WorkPoolStorageConfiguration) storage {
	upload, uploaded := step(c.BundleUploadStep)
	execute, executed := step(c.BundleExecutionStep)
	kept := storage{Upload: uploaded, Execution: executed}
	if upload+execute == "" {
		return kept
	}
	kept.Type = "Unknown"
	for _, service := range storageServices() {
		if strings.Contains(upload+execute, service.module) {
			kept.Type = service.title
		}
	}
	return kept
}

func step(raw jsontext.Value) (function string, args jsontext.Value) {
	var members map[string]jsontext.Value
	if json.Unmarshal(raw, &members) != nil {
		return "", nil
	}
	for function, args = range members {
	}
	return function, args
}
