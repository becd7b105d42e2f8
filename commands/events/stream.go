package events

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/profile"
)

type streamOptions struct {
	env     *cli.Env
	filter  filterOptions
	format  string
	file    string
	account bool
	once    bool
	out     io.Writer
	told    memory
	reached time.Time // when the server was last there; zero before the first time
}

func newStreamCmd(env *cli.Env) *cobra.Command {
	opts := &streamOptions{env: env}
	cmd := &cobra.Command{
		Use:     "stream",
		Short:   "print events as they happen",
		Long:    "A broken connection is opened again, and what happened meanwhile is printed then.",
		Example: "usher events stream --format text\nusher events stream --event 'prefect.flow-run.*' --run-once",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd)
	opts.filter.define(cmd)
	flags := cmd.Flags()
	flags.StringVar(&opts.format, "format", "json", "json, an object a line, or text")
	flags.StringVar(&opts.file, "output-file", "", "add to this `file` instead of printing")
	flags.BoolVar(&opts.account, "account", false, "the events of the whole account, on Prefect Cloud")
	flags.BoolVar(&opts.once, "run-once", false, "end after the first event")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formats(), cobra.ShellCompDirectiveNoFileComp)) // the flag is defined above
	return cmd
}

func formats() []string { return []string{"json", "text"} }

func (o *streamOptions) run(ctx context.Context) error {
	if !slices.Contains(formats(), o.format) {
		return cli.Usagef("%q is no format of events; it is json or text", o.format)
	}
	c, err := o.client()
	if err != nil {
		return err
	}
	o.out = o.env.Streams.Out
	if o.file != "" {
		file, err := os.OpenFile(o.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // the user's own file
		if err != nil {
			return api.Errorf(api.CodeInvalid, "open the output file: %w", err)
		}
		defer file.Close()
		o.out = file
	}
	return o.follow(ctx, c)
}

func (o *streamOptions) client() (*client.Client, error) {
	if !o.account {
		return o.env.Client()
	}
	settings, err := o.env.Settings()
	if err != nil {
		return nil, err
	}
	if settings.ServerType() != profile.Cloud {
		return nil, cli.Usagef("--account is for Prefect Cloud, and the API is %s", settings.APIAddress())
	}
	url, _, _ := strings.Cut(settings.APIURL(), "/workspaces/")
	return o.env.ConnectTo(settings, url)
}

// How long a server that was there may be away, and how soon it is tried again.
const (
	patience = 2 * time.Minute
	reopen   = time.Second
)

// follow opens the stream, and again whenever it breaks.
func (o *streamOptions) follow(ctx context.Context, c *client.Client) error {
	since := o.env.Now()
	for {
		err := o.hear(ctx, c, since)
		switch {
		case err == nil || ctx.Err() != nil:
			return ctx.Err()
		case o.reached.IsZero(), !isPassing(err), time.Since(o.reached) > patience:
			return err
		}
		o.env.Warn("the connection is lost and will be opened again: " + strings.SplitN(err.Error(), "\n", 2)[0])
		if since = o.told.latest; since.IsZero() {
			since = o.reached
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(reopen):
		}
	}
}

// isPassing says that a stream broke in a way that may mend by itself.
func isPassing(err error) bool {
	return websocket.CloseStatus(err) != websocket.StatusProtocolError && websocket.CloseStatus(err) != websocket.StatusPolicyViolation &&
		api.CodeOf(err) != api.CodeUnauthenticated && api.CodeOf(err) != api.CodeNotFound
}

// hear prints events until the stream breaks; nil says that the first was enough.
func (o *streamOptions) hear(ctx context.Context, c *client.Client, since time.Time) error {
	conn, err := c.Socket(ctx, "/events/out")
	if err != nil {
		return err
	}
	defer conn.CloseNow() //nolint:errcheck // nothing is left to do with it
	filter := o.filter.filter(since, o.env.Now().AddDate(1, 0, 0))
	frame, err := json.Marshal(map[string]any{"type": "filter", "filter": filter, "backfill": true})
	if err != nil {
		return err
	}
	if err := conn.Write(ctx, websocket.MessageText, frame); err != nil {
		return err
	}
	if o.reached.IsZero() {
		o.env.Say("Waiting for events …")
	}
	for {
		o.reached = time.Now()
		_, data, err := conn.Read(ctx)
		if err != nil {
			return fmt.Errorf("read events: %w", err)
		}
		if isFirst, err := o.tell(data); err != nil || isFirst && o.once {
			return err
		}
	}
}

// tell prints the event of a frame, unless it was printed before.
func (o *streamOptions) tell(data []byte) (told bool, err error) {
	var frame struct {
		Type  string         `json:"type"`
		Event jsontext.Value `json:"event"`
	}
	if err := json.Unmarshal(data, &frame); err != nil || frame.Type != "event" {
		return false, err
	}
	var event api.ReceivedEvent
	if err := json.Unmarshal(frame.Event, &event); err != nil {
		return false, err
	}
	if !o.told.add(event.ID, event.Occurred.Time) {
		return false, nil
	}
	text := string(frame.Event)
	if o.format == "text" {
		text = line(&event)
	}
	_, err = fmt.Fprintln(o.out, text)
	return true, err
}

// memory knows the events printed last, so that none is printed again after a break.
type memory struct {
	recent map[uuid.UUID]bool
	order  []uuid.UUID
	latest time.Time
}

const remembered = 4096

func (m *memory) add(id uuid.UUID, at time.Time) bool {
	if m.recent[id] {
		return false
	}
	if m.recent == nil {
		m.recent = map[uuid.UUID]bool{}
	}
	m.recent[id], m.order = true, append(m.order, id)
	if len(m.order) > remembered {
		delete(m.recent, m.order[0])
		m.order = m.order[1:]
	}
	if at.After(m.latest) {
		m.latest = at
	}
	return true
}
