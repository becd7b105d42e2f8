package follow

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/pflag"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/output"
)

// Selection says which lines of a log are wanted: the flags of the logs commands.
type Selection struct {
	Head, Tail, Reverse bool
	Number              int // of lines; 0 means all

	flags *pflag.FlagSet
}

// usual is how many lines --head and --tail show.
const usual = 20

// Flags defines the flags; number is how many lines are shown unless told otherwise,
// 0 for all.
func (s *Selection) Flags(flags *pflag.FlagSet, number int) {
	s.flags = flags
	flags.BoolVarP(&s.Head, "head", "h", false, "show the first lines: 20, or --num-logs")
	flags.BoolVarP(&s.Tail, "tail", "t", false, "show the last lines: 20, or --num-logs")
	flags.IntVarP(&s.Number, "num-logs", "n", number, "show this many lines; 0 for all")
	flags.BoolVarP(&s.Reverse, "reverse", "r", false, "show the newest line first")
}

// Check refuses flags that contradict each other.
func (s *Selection) Check() error {
	if s.Head && s.Tail {
		return cli.Usagef("--head and --tail can't be combined")
	}
	if s.Number < 0 {
		return cli.Usagef("--num-logs %d: there is no such number of lines", s.Number)
	}
	if s.Number == 0 && (s.Head || s.Tail) {
		s.Number = usual
	}
	return nil
}

// Bounded reports whether anything but all lines in their order is wanted.
func (s *Selection) Bounded() bool {
	return s.Head || s.Tail || s.Reverse || s.flags.Changed("num-logs")
}

// Read reads the lines, in the order they are to be shown.
func (s *Selection) Read(ctx context.Context, c *client.Client, filter *api.LogFilter) ([]api.Log, error) {
	newestFirst := s.Tail || s.Reverse && !s.Head
	sort := api.LogSortTimestampAsc
	if newestFirst {
		sort = api.LogSortTimestampDesc
	}
	logs, err := find.Pages(s.Number, func(offset, limit int) ([]api.Log, error) {
		return c.ReadLogs(ctx, &api.ReadLogsRequest{Logs: filter, Sort: api.Some(sort), Offset: api.Some(offset), Limit: api.Some(limit)})
	})
	if err != nil {
		return nil, err
	}
	if newestFirst != s.Reverse {
		slices.Reverse(logs)
	}
	return logs, nil
}

// Lines prints log lines as the reference does.
type Lines struct {
	Printer *output.Printer
	Now     func() time.Time
	Prefix  func(*api.Log) string // before each message: whose it is
}

// Print prints the lines.
func (l Lines) Print(logs []api.Log) error {
	zone := l.Now().Location()
	for i := range logs {
		log := &logs[i]
		text := log.Timestamp.In(zone).Format("2006-01-02 15:04:05.000") + " | " +
			l.Printer.Paint(fmt.Sprintf("%-7s", Level(log.Level)), LevelTone(log.Level)) + " | " + l.Prefix(log) + Clean(l.Printer, log.Message)
		first, rest, _ := strings.Cut(text, "\n") // what follows is laid out by who wrote it: a traceback
		if text = l.Printer.Wrap(first, len(margin)); rest != "" {
			text += "\n" + rest
		}
		if err := l.Printer.Line(text); err != nil {
			return err
		}
	}
	return nil
}

// Clean is a message as it may be shown: at a terminal nothing that a flow logged moves the
// cursor or changes what the terminal does. Elsewhere it is left as it is.
func Clean(p *output.Printer, message string) string {
	if !p.ForPeople() {
		return message
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, ansi.Strip(message))
}
