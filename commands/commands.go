// Package commands is usher's command line: it builds the tree of commands, runs
// the one that was typed and turns an error into a message and an exit code. The
// verbs are in the packages below, one per noun.
package commands

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/commands/alias"
	"github.com/usherhq/usher/internal/build"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/profile"
	"github.com/usherhq/usher/internal/term"
	"github.com/usherhq/usher/internal/worker/launch"
)

// Main runs the command line (without the program's name) and returns the exit
// code.
func Main(args []string, streams *term.Streams) int {
	if len(args) > 0 && (args[0] == "--version" || args[0] == "-v") {
		return printVersion(streams)
	}
	if len(args) == 2 && args[0] == launch.KeeperArg {
		return launch.Keep(args[1])
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	return guard(streams, args, func() error {
		return unlessInterrupted(ctx, run(ctx, cli.NewEnv(streams, profile.Where{}), args))
	})
}

// unlessInterrupted is the error of a command. What fails after Ctrl-C, such as the programs
// that it called, failed because of it.
func unlessInterrupted(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// guard runs a command and reports how it ended, be it with a panic.
func guard(streams *term.Streams, args []string, command func() error) (code int) {
	defer func() {
		if crash := recover(); crash != nil {
			code = report(streams, args, crashed(crash))
		}
	}()
	return report(streams, args, command())
}

func printVersion(streams *term.Streams) int {
	if _, err := fmt.Fprintln(streams.Out, build.Version()); err != nil {
		return int(cli.Failure)
	}
	return int(cli.OK)
}

// run finds the command and executes it.
func run(ctx context.Context, env *cli.Env, args []string) error {
	root := newTrunk(env)
	cli.Grow(root, args)
	root.SetIn(env.Streams.In)
	root.SetOut(env.Streams.Out)
	root.SetErr(env.Streams.Err)
	if len(args) > 0 && isCompletion(args[0]) {
		root.SetArgs(cli.NormalizeCompletion(args))
		return root.ExecuteContext(ctx)
	}
	typed := args
	args = cli.Normalize(root, args)
	cmd, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	if word := firstWord(rest); cmd == root && word != "" && word != "help" {
		words, ok, err := alias.Find(env, word)
		if err != nil {
			return err
		}
		if ok {
			args = expand(args, word, words)
			cli.Grow(root, args)
			args = cli.Normalize(root, args)
			if cmd, rest, err = root.Find(args); err != nil {
				return err
			}
		}
	}
	if cli.IsGroup(cmd) {
		if path, ok := extension(typed); ok && cmd == root {
			return runExtension(env, path, typed[1:])
		}
		if word := firstWord(rest); word != "" && word != "help" {
			return cli.UnknownCommand(cmd, word)
		}
	}
	cli.AddTwins(cmd)
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}

// expand puts the words of an alias in its place.
func expand(args []string, name string, words []string) []string {
	at := slices.Index(args, name)
	return slices.Concat(args[:at], words, args[at+1:])
}

// isCompletion reports whether the shell asks for completions, in words that are
// not to be touched.
func isCompletion(word string) bool {
	return word == cobra.ShellCompRequestCmd || word == cobra.ShellCompNoDescRequestCmd
}

// firstWord returns the first word that is not a flag of every command.
func firstWord(args []string) string {
	for i := 0; i < len(args); i++ {
		switch arg := args[i]; {
		case arg == "--profile":
			i++
		case arg == "" || arg[0] != '-':
			return arg
		}
	}
	return ""
}

// crashed words a panic for the user; the trace is for who mends it.
func crashed(crash any) error {
	err := cli.Fail(cli.Failure, fmt.Sprintf("usher broke down: %v", crash),
		"this is a fault in usher %s; run the command again with USHER_DEBUG_MODE=1 to see where, and please report it", build.Version())
	if os.Getenv("USHER_DEBUG_MODE") != "" {
		err.Hint = string(debug.Stack())
	}
	return err
}
