// Package api holds the command that sends one raw request to the API.
package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	wire "github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/document"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/profile"
)

type options struct {
	env      *cli.Env
	output   output.Options
	method   string
	path     string
	data     string
	headers  []string
	verbose  bool
	root     bool
	account  bool
	paginate bool
}

// NewCmd makes usher api.
func NewCmd(env *cli.Env) *cobra.Command {
	opts := &options{env: env}
	cmd := &cobra.Command{
		Use:   "api",
		Short: "send one raw request to the API",
		Long: "The path is relative to the API's URL. A body is JSON from --data, --data @file, or a pipe; POST, PUT and PATCH\n" +
			"send {} without one. Exit codes: 3 for 401 and 403, 4 for other refusals, 5 for faults of the server, 7 without an answer.",
		Example: "usher api GET /admin/version\nusher api POST /flow_runs/filter --data '{\"limit\": 5}' --jq '.[].name'\nusher api POST /flows/filter --paginate --jq length",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd,
		cli.Positional{Name: "method", Value: &opts.method, Required: true, Complete: cobra.FixedCompletions(methods(), cobra.ShellCompDirectiveNoFileComp)},
		cli.Positional{Name: "path", Value: &opts.path, Required: true},
	)
	flags := cmd.Flags()
	flags.StringVar(&opts.data, "data", "", "the body: `JSON`, or @ and the name of a file; @- is standard input")
	flags.StringArrayVarP(&opts.headers, "header", "H", nil, "a `header`, as in \"Accept: text/csv\"; repeatable")
	flags.BoolVarP(&opts.verbose, "verbose", "v", false, "show the heads of request and answer on stderr")
	flags.BoolVar(&opts.root, "root", false, "the path is below the root of Prefect Cloud's API")
	flags.BoolVar(&opts.account, "account", false, "the path is below the account of Prefect Cloud")
	flags.BoolVar(&opts.paginate, "paginate", false, "read all pages of a filter and print them as one list")
	cli.OutputFlags(cmd, &opts.output, nil)
	return cmd
}

func methods() []string {
	return []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions}
}

func (o *options) run(ctx context.Context) error {
	request, err := o.request()
	if err != nil {
		return err
	}
	c, err := o.client()
	if err != nil {
		return err
	}
	if o.paginate {
		pages, err := o.allPages(ctx, c, request)
		if err != nil {
			return err
		}
		return o.print(pages)
	}
	answer, err := o.send(ctx, c, request)
	if err != nil {
		return err
	}
	return o.print(answer.Body)
}

func (o *options) request() (client.Request, error) {
	r := client.Request{Method: strings.ToUpper(o.method), Path: "/" + strings.TrimPrefix(o.path, "/"), Header: http.Header{}}
	if !slices.Contains(methods(), r.Method) {
		return r, cli.Usagef("%q is no method; it is one of %s", o.method, strings.Join(methods(), ", "))
	}
	if o.root && o.account {
		return r, cli.Usagef("--root and --account exclude each other")
	}
	for _, header := range o.headers {
		name, value, ok := strings.Cut(header, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return r, cli.Usagef("--header %q is not of the form name: value", header)
		}
		r.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	var err error
	r.Body, err = o.body(r.Method)
	return r, err
}

// body is what --data or a pipe says, {} where the method wants a body and none is said.
func (o *options) body(method string) ([]byte, error) {
	takesBody := slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch}, method)
	switch {
	case strings.HasPrefix(o.data, "@"):
		return o.file(strings.TrimPrefix(o.data, "@"))
	case o.data != "":
		return document.ReadJSON("--data", o.data)
	case takesBody && isPiped(o.env.Streams.In):
		text, err := o.file(document.Stdin)
		if err != nil || len(text) > 0 {
			return text, err
		}
	}
	if takesBody {
		return []byte("{}"), nil
	}
	return nil, nil
}

func (o *options) file(path string) (text []byte, err error) {
	name := path
	if path == document.Stdin {
		name = "standard input"
		text, err = io.ReadAll(o.env.Streams.In)
	} else {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, wire.Errorf(wire.CodeInvalid, "read %s: %w", name, err)
	}
	if strings.TrimSpace(string(text)) == "" {
		return nil, nil
	}
	return document.ReadJSON(name, string(text))
}

// isPiped reports whether somebody has put a pipe or a file where input comes from. What
// a job inherits (a terminal, nothing, a socket) is not waited for.
func isPiped(in io.Reader) bool {
	file, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && (info.Mode().IsRegular() || info.Mode()&os.ModeNamedPipe != 0)
}

// client calls the API, or what of Prefect Cloud's is above a workspace.
func (o *options) client() (*client.Client, error) {
	if !o.root && !o.account {
		return o.env.Client()
	}
	settings, err := o.env.Settings()
	if err != nil {
		return nil, err
	}
	url, workspace, ok := strings.Cut(settings.APIURL(), "/accounts/")
	if !ok && settings.ServerType() != profile.Cloud {
		return nil, cli.Usagef("--root and --account are for servers with accounts, and the API is %s", settings.APIURL())
	}
	if account, _, _ := strings.Cut(workspace, "/"); o.account && ok {
		url += "/accounts/" + account
	}
	return o.env.ConnectTo(settings, url)
}

func (o *options) send(ctx context.Context, c *client.Client, request client.Request) (*client.Answer, error) {
	if o.verbose {
		o.tellHead(fmt.Sprintf("> %s %s", request.Method, c.BaseURL()+request.Path), request.Header)
	}
	answer, err := c.Send(ctx, request)
	if o.verbose && answer != nil {
		o.tellHead(fmt.Sprintf("< %d %s", answer.Status, http.StatusText(answer.Status)), answer.Header)
	}
	if err == nil || ctx.Err() != nil {
		return answer, err
	}
	if answer == nil {
		message, hint := cli.Report(err)
		return nil, cli.Fail(7, message, "%s", hint)
	}
	return nil, cli.Fail(refusal(answer.Status), fmt.Sprintf("%d %s", answer.Status, http.StatusText(answer.Status)), "%s", strings.TrimSpace(string(answer.Body)))
}

// refusal is the exit code of an answer, as the reference has it for this command.
func refusal(status int) cli.ExitCode {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return 3
	case status < http.StatusInternalServerError:
		return 4
	}
	return 5
}

func (o *options) tellHead(first string, header http.Header) {
	o.env.Say(first)
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		value := strings.Join(header[name], ", ")
		if slices.Contains([]string{"Authorization", "Cookie", "Set-Cookie"}, name) {
			value = "********"
		}
		o.env.Say(first[:1] + " " + name + ": " + value)
	}
}

// print writes JSON as it is wanted: indented for a person, on one line for a pipe.
func (o *options) print(body []byte) error {
	value := jsontext.Value(body)
	printer := o.env.Printer(o.output)
	switch {
	case len(body) == 0:
		return nil
	case !value.IsValid():
		_, err := o.env.Streams.Out.Write(body)
		return err
	case printer.Structured() || printer.ForPeople():
		return printer.Value(value)
	}
	if err := value.Compact(); err != nil {
		return err
	}
	return printer.Line(string(value))
}
