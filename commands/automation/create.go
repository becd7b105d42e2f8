package automation

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/document"
	"github.com/usherhq/usher/internal/output"
)

// source is where definitions of automations come from.
type source struct {
	file, text string
}

func (s *source) define(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&s.file, "from-file", "f", "", "a YAML or JSON `file`; - reads standard input")
	cmd.Flags().StringVarP(&s.text, "from-json", "j", "", "the definition as `JSON`")
}

// read returns the document and what to call it in messages.
func (s *source) read(env *cli.Env) (value jsontext.Value, name string, err error) {
	switch {
	case (s.file == "") == (s.text == ""):
		return nil, "", cli.Usagef("say either --from-file or --from-json")
	case s.file != "":
		value, err = document.ReadFile(s.file, env.Streams.In)
		return value, s.file, err
	}
	value, err = document.ReadJSON("--from-json", s.text)
	return value, "--from-json", err
}

// definitions are the automations of a document: one, a list, or a list below the key
// automations.
func definitions(value jsontext.Value) ([]jsontext.Value, error) {
	var list []jsontext.Value
	switch value.Kind() {
	case '[':
		return list, json.Unmarshal(value, &list)
	case '{':
		var under struct {
			Automations jsontext.Value `json:"automations"`
		}
		if err := json.Unmarshal(value, &under); err != nil {
			return nil, err
		}
		if under.Automations.Kind() == '[' {
			return list, json.Unmarshal(under.Automations, &list)
		}
		return []jsontext.Value{value}, nil
	}
	return nil, api.Errorf(api.CodeInvalid, "an automation is an object with name, trigger and actions")
}

type createOptions struct {
	env    *cli.Env
	source source
	output output.Options
}

func newCreateCmd(env *cli.Env) *cobra.Command {
	opts := &createOptions{env: env}
	cmd := &cobra.Command{
		Use:     "create",
		Short:   "make automations from a definition",
		Long:    "A definition holds one automation, a list of them, or a list below the key automations.\nWhat can't be made is told at the end; the rest is made.",
		Example: "usher automation create --from-file automation.yaml",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	opts.source.define(cmd)
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[api.Automation]())
	return cmd
}

func (o *createOptions) run(ctx context.Context) error {
	value, name, err := o.source.read(o.env)
	if err != nil {
		return err
	}
	list, err := definitions(value)
	if err != nil {
		return api.Errorf(api.CodeInvalid, "%s: %w", name, err)
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	var failed error
	failures, made := 0, []api.Automation{}
	printer := o.env.Printer(o.output)
	for i, definition := range list {
		one, err := send[api.Automation](ctx, c, "POST", "/automations/", definition)
		switch {
		case err == nil:
			made = append(made, one)
			if !printer.Structured() {
				o.env.Sayf("Created automation %q: %s", one.Name, one.ID)
			}
		default:
			failures++
			failed = fmt.Errorf("%s: %w", label(name, i, definition), err)
			if len(list) > 1 {
				o.env.Warn(failed.Error())
			}
		}
	}
	if printer.Structured() && (len(made) > 0 || failures == 0) {
		if err := printer.Value(made); err != nil {
			return err
		}
	}
	if failures > 1 || failures == 1 && len(list) > 1 {
		return cli.Fail(cli.Failure, fmt.Sprintf("%d of %d automations were not made", failures, len(list)), "")
	}
	return failed
}

// send passes a definition on as it was written, so that the server judges all of it.
func send[T any](ctx context.Context, c *client.Client, method, path string, definition jsontext.Value) (out T, err error) {
	answer, err := c.Do(ctx, method, path, definition)
	if err != nil || len(answer.Body) == 0 {
		return out, err
	}
	return out, json.Unmarshal(answer.Body, &out)
}

func label(source string, index int, definition jsontext.Value) string {
	var named struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(definition, &named) == nil && named.Name != "" {
		return fmt.Sprintf("%s: automation %q", source, named.Name)
	}
	return fmt.Sprintf("%s: automation %d", source, index+1)
}

type updateOptions struct {
	env    *cli.Env
	source source
	id     uuid.UUID
	output output.Options
}

func newUpdateCmd(env *cli.Env) *cobra.Command {
	opts := &updateOptions{env: env}
	cmd := &cobra.Command{
		Use:     "update",
		Short:   "replace the definition of an automation",
		Example: "usher automation update --id 0198c6a2-6f0e-7c7e-b1f5-2f3f8e1f7c11 --from-file automation.yaml",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	cli.UUIDVar(cmd.Flags(), &opts.id, "id", "the automation with this `id`")
	opts.source.define(cmd)
	cli.ResultFlags(cmd, &opts.output, output.FieldsOf[api.Automation]())
	return cmd
}

func (o *updateOptions) run(ctx context.Context) error {
	if o.id == uuid.Nil {
		return cli.Usagef("usher automation update needs --id")
	}
	value, name, err := o.source.read(o.env)
	if err != nil {
		return err
	}
	list, err := definitions(value)
	if err != nil || len(list) != 1 {
		return api.Errorf(api.CodeInvalid, "%s must hold one automation", name)
	}
	c, err := o.env.Client()
	if err != nil {
		return err
	}
	if _, err := send[jsontext.Value](ctx, c, "PUT", "/automations/"+o.id.String(), list[0]); err != nil {
		if api.CodeOf(err) == api.CodeNotFound {
			return cli.NotFound("automation", o.id.String(), nil)
		}
		return err
	}
	return cli.ResultOf(o.env, o.output, func() (api.Automation, error) { return c.ReadAutomation(ctx, o.id) }, "Updated automation %s.", o.id)
}
