package workpool

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

type configureOptions struct {
	env         *cli.Env
	service     storageService
	pool        string
	place       string
	credentials string
	launcher    launcher
	upload      launcher
	execution   launcher
	output      output.Options
}

func newConfigureCmd(env *cli.Env, service storageService) *cobra.Command {
	opts := &configureOptions{
		env: env, service: service,
		launcher: launcher{flag: "launcher"}, upload: launcher{flag: "upload-launcher"}, execution: launcher{flag: "execution-launcher"},
	}
	example := "usher work-pool storage configure " + service.verb + " local --" + service.noun + " my-" + service.noun
	if service.credentials.needed {
		example += " --" + service.credentialsFlag() + " prod"
	}
	cmd := &cobra.Command{
		Use:     service.verb,
		Short:   "keep the code and results of a pool's runs in " + service.title,
		Example: example,
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd) },
	}
	cli.Positionals(cmd, storageArgument(env, &opts.pool))
	flags := cmd.Flags()
	flags.StringVar(&opts.place, service.noun, "", "the `"+service.noun+"` to keep them in")
	flags.StringVar(&opts.credentials, service.credentialsFlag(), "", "the `name` of a block of type "+service.credentials.blockType+service.without())
	opts.launcher.define(flags, "uploads and executes, instead of the SDK's own way")
	opts.upload.define(flags, "uploads")
	opts.execution.define(flags, "executes")
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[api.WorkPoolResponse]())
	return cmd
}

func (s storageService) without() string {
	if s.credentials.needed {
		return ""
	}
	return "; without one, what the machine that runs has of its own"
}

func (o *configureOptions) run(cmd *cobra.Command) error {
	ctx, flags := cmd.Context(), cmd.Flags()
	if err := o.ask(ctx); err != nil {
		return err
	}
	general, err := o.launcher.words(flags, nil)
	if err != nil {
		return err
	}
	upload, err := o.upload.words(flags, general)
	if err != nil {
		return err
	}
	execution, err := o.execution.words(flags, general)
	if err != nil {
		return err
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	pool, err := find.WorkPool(ctx, c, o.pool)
	if err != nil {
		return err
	}
	block, err := o.keepResults(ctx, c)
	if err != nil {
		return err
	}
	steps, err := encodeAll(o.service.bundleStep("upload", o.place, o.credentials, upload), o.service.bundleStep("execute", o.place, o.credentials, execution))
	if err != nil {
		return err
	}
	err = c.UpdateWorkPool(ctx, pool.Name, &api.WorkPoolUpdate{StorageConfiguration: api.Some(api.WorkPoolStorageConfiguration{
		BundleUploadStep: steps[0], BundleExecutionStep: steps[1], DefaultResultStorageBlockID: &block,
	})})
	if err != nil {
		return err
	}
	return cli.ResultOf(o.env, o.output, func() (api.WorkPoolResponse, error) { return c.ReadWorkPool(ctx, pool.Name) },
		"The runs of work pool %q keep their code and results in %s %q of %s.", pool.Name, o.service.noun, o.place, o.service.title)
}

// ask completes what no flag says, if somebody is there to answer.
func (o *configureOptions) ask(ctx context.Context) (err error) {
	needed := o.service.credentials.needed
	if !o.env.Interactive() {
		switch {
		case o.place == "":
			return cli.Usagef("say which %s to keep things in: --%s", o.service.noun, o.service.noun)
		case o.credentials == "" && needed:
			return cli.Usagef("%s needs credentials: --%s", o.service.title, o.service.credentialsFlag())
		}
		return nil
	}
	if o.place == "" {
		if o.place, err = o.env.Streams.Input(ctx, "Which "+o.service.noun+" is to keep them?", ""); err != nil {
			return err
		}
	}
	if o.credentials == "" {
		question := "Which block of type " + o.service.credentials.blockType + " has the credentials?"
		if !needed {
			question += " (none: the machine's own)"
		}
		o.credentials, err = o.env.Streams.Input(ctx, question, "")
	}
	if err == nil && (o.place == "" || needed && o.credentials == "") {
		return cli.Usagef("nothing was said, so nothing was changed")
	}
	return err
}

// keepResults makes or changes the block where the pool's runs keep their results.
func (o *configureOptions) keepResults(ctx context.Context, c *client.Client) (uuid.UUID, error) {
	credentials := uuid.Nil
	if o.credentials != "" {
		block, err := find.Block(ctx, c, o.service.credentials.blockType+"/"+o.credentials)
		if err != nil {
			return uuid.Nil, err
		}
		credentials = block.ID
	}
	values, err := encodeAll(o.service.blockData(o.place, credentials))
	if err != nil {
		return uuid.Nil, err
	}
	name := "default-" + strings.ToLower(o.pool) + "-result-storage"
	old, err := c.ReadBlockDocumentByNameForBlockType(ctx, o.service.blockType, name, nil)
	if err == nil {
		return old.ID, c.UpdateBlockDocumentData(ctx, old.ID, &api.BlockDocumentUpdate{Data: api.Some(values[0])})
	}
	if api.CodeOf(err) != api.CodeNotFound {
		return uuid.Nil, err
	}
	return o.createBlock(ctx, c, name, values[0])
}

func (o *configureOptions) createBlock(ctx context.Context, c *client.Client, name string, data jsontext.Value) (uuid.UUID, error) {
	unknown := cli.Fail(cli.NoSuch, "the server knows no block type "+o.service.blockType,
		"install %s and register it: `usher block register -m %s`", o.service.requires, o.service.module)
	kind, err := c.ReadBlockTypeBySlug(ctx, o.service.blockType)
	if api.CodeOf(err) == api.CodeNotFound {
		return uuid.Nil, unknown
	}
	if err != nil {
		return uuid.Nil, err
	}
	schemas, err := c.ReadBlockSchemas(ctx, &api.ReadBlockSchemasRequest{
		BlockSchemas: &api.BlockSchemaFilter{BlockTypeID: &api.Match[uuid.UUID]{Any: []uuid.UUID{kind.ID}}}, Limit: api.Some(1),
	})
	if err != nil {
		return uuid.Nil, err
	}
	if len(schemas) == 0 {
		return uuid.Nil, unknown
	}
	block, err := c.CreateBlockDocument(ctx, &api.BlockDocumentCreate{
		Name: api.Some(name), Data: api.Some(data), BlockTypeID: kind.ID, BlockSchemaID: schemas[0].ID,
	})
	return block.ID, err
}

func encodeAll(values ...any) ([]jsontext.Value, error) {
	encoded := make([]jsontext.Value, len(values))
	for i, v := range values {
		text, err := json.Marshal(v, json.Deterministic(true))
		if err != nil {
			return nil, err
		}
		encoded[i] = text
	}
	return encoded, nil
}
