package flowrun

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

// batch is what a verb is done to: the runs that are named, or all that are chosen.
type batch struct {
	selection

	ids    []string
	yes    bool
	dryRun bool
	output output.Options
}

// define adds arguments and flags; verb is the word for what is done.
func (b *batch) define(cmd *cobra.Command, verb string) {
	cli.Positionals(cmd, cli.Positional{Name: "id", Values: &b.ids, Complete: b.env.Complete(find.FlowRuns)})
	b.selection.define(cmd)
	cli.YesFlag(cmd, &b.yes)
	cmd.Flags().BoolVar(&b.dryRun, "dry-run", false, "only list the runs that it would "+verb)
	cli.ResultFlags(cmd, &b.output, output.FieldsOf[api.FlowRunResponse]())
}

// runs returns the runs; with a choice, a person is shown how many there are and asked.
func (b *batch) runs(ctx context.Context, c *client.Client, verb string) ([]api.FlowRunResponse, error) {
	if (len(b.ids) == 0) == !b.isGiven() {
		return nil, cli.Usagef("say either which flow runs, or what those are like, as with --state").
			WithHint("`usher flow-run ls` takes the same flags and shows what they choose")
	}
	if len(b.ids) == 0 {
		runs, err := b.read(ctx, c, 0)
		if err != nil || len(runs) == 0 || b.dryRun {
			return runs, err
		}
		return runs, b.env.ConfirmAlways(ctx, b.yes, "%s %s?", verb, count(len(runs)))
	}
	runs := make([]api.FlowRunResponse, len(b.ids))
	for i, id := range b.ids {
		run, err := find.OneFlowRun(ctx, c, id)
		if err != nil {
			return nil, err
		}
		runs[i] = *run
	}
	return runs, nil
}

// atOnce is how many runs are worked on at the same time.
const atOnce = 8

// act does something to every run that was named or chosen, or shows them with --dry-run.
// verb is "cancel" and the like, done "Cancelled". confirm, if there is one, asks about the
// runs before the first is touched.
func (b *batch) act(ctx context.Context, verb, done string, confirm func(runs []api.FlowRunResponse) error, do func(c *client.Client, run *api.FlowRunResponse) (string, error)) error {
	c, err := b.env.Client()
	if err != nil {
		return err
	}
	runs, err := b.runs(ctx, c, strings.ToUpper(verb[:1])+verb[1:])
	if err != nil {
		return err
	}
	if b.dryRun {
		return b.preview(ctx, c, runs, verb)
	}
	if confirm != nil {
		if err := confirm(runs); err != nil {
			return err
		}
	}
	return b.each(ctx, runs, done, func(run *api.FlowRunResponse) (string, error) { return do(c, run) })
}

// each does something to all of the runs: do brings a run up to date and returns what to say about
// it. What fails is told and does not keep the rest from being done; done is the word for what was
// done. Programs get the runs that it was done to.
func (b *batch) each(ctx context.Context, runs []api.FlowRunResponse, done string, do func(*api.FlowRunResponse) (string, error)) error {
	if len(runs) == 0 {
		return cli.Results(b.env, b.output, runs, "No flow runs found.")
	}
	if len(runs) == 1 {
		said, err := do(&runs[0])
		if err != nil {
			return err
		}
		return cli.Results(b.env, b.output, runs, "%s", said)
	}
	show, stop := b.env.Streams.Bar()
	defer stop()
	var mu sync.Mutex
	var group sync.WaitGroup
	var failures []error
	finishedRuns := make([]bool, len(runs))
	finished, slots := 0, make(chan struct{}, atOnce)
	for i := range runs {
		if ctx.Err() != nil {
			break
		}
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			said, err := do(&runs[i])
			mu.Lock()
			defer mu.Unlock()
			finished++
			show(runs[i].Name, int64(finished), int64(len(runs)))
			if err != nil {
				failures = append(failures, err)
				return
			}
			finishedRuns[i] = true
			if !b.output.Structured() {
				b.env.Say(said)
			}
		})
	}
	group.Wait()
	stop()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return b.summary(runs, finishedRuns, done, failures)
}

func (b *batch) summary(runs []api.FlowRunResponse, finished []bool, done string, failures []error) error {
	for _, err := range failures {
		b.env.Warn(err.Error())
	}
	changed := []api.FlowRunResponse{}
	for i, is := range finished {
		if is {
			changed = append(changed, runs[i])
		}
	}
	if err := cli.Results(b.env, b.output, changed, "%s %d of %s.", done, len(changed), count(len(runs))); err != nil {
		return err
	}
	if len(failures) > 0 {
		return cli.Quiet(cli.Failure)
	}
	return nil
}

// preview lists the runs instead of doing something to them.
func (b *batch) preview(ctx context.Context, c *client.Client, runs []api.FlowRunResponse, verb string) error {
	printer := b.env.Printer(b.output)
	if printer.Structured() {
		return printer.Value(runs)
	}
	list, err := rows(ctx, c, runs)
	if err != nil {
		return err
	}
	b.env.Sayf("Would %s %s:", verb, count(len(runs)))
	return output.List(printer, list, columns())
}

func count(n int) string {
	if n == 1 {
		return "1 flow run"
	}
	return fmt.Sprintf("%d flow runs", n)
}
