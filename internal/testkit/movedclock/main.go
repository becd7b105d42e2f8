// Command movedclock is usher with a clock that tests move: the file that USHER_TEST_CLOCK
// names says by how many nanoseconds it is ahead. A clock that is set has no monotonic part
// to hold on to, which is harder than what a real one does.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/usherhq/usher/commands"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/profile"
	"github.com/usherhq/usher/internal/term"
	"github.com/usherhq/usher/internal/worker/launch"
)

func main() {
	streams := term.System()
	if len(os.Args) > 1 && os.Args[1] == launch.KeeperArg {
		os.Exit(commands.Main(os.Args[1:], streams))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	env := cli.NewEnv(streams, profile.Where{})
	env.Now = now
	root := commands.NewRoot(env)
	root.SetArgs(os.Args[1:])
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:gocritic // nothing is left to be undone
	}
}

func now() time.Time {
	text, err := os.ReadFile(os.Getenv("USHER_TEST_CLOCK"))
	if err != nil {
		panic(err)
	}
	ahead, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		panic(err)
	}
	return time.Now().Add(time.Duration(ahead)).Round(0)
}
