package native

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/nativeflow"
	"github.com/usherhq/usher/internal/worker/launch"
	"github.com/usherhq/usher/internal/worker/report"
)

// recentLogs is how many of the run's last records are compared with what was printed.
const recentLogs = 200

// skipShipped moves the noted offset past lines that the killed worker shipped but had no
// time to note, by comparing them with the last records that the API has.
func (x *execution) skipShipped(ctx context.Context, program *launch.Process) {
	path := filepath.Join(program.Dir(), launch.OutFile)
	offset := readOffset(path)
	printed := linesFrom(path, offset)
	if len(printed) == 0 {
		return
	}
	logs, err := x.Client.ReadLogs(ctx, &api.ReadLogsRequest{
		Logs: &api.LogFilter{FlowRunID: &api.Match[uuid.UUID]{Any: []uuid.UUID{x.Run.ID}}},
		Sort: api.Some(api.LogSortTimestampDesc), Limit: api.Some(recentLogs),
	})
	if err != nil {
		return // a line twice is better than none
	}
	var shipped []string
	for _, l := range slices.Backward(logs) {
		if l.Name == report.FlowRunLogger {
			shipped = append(shipped, l.Message)
		}
	}
	n := overlap(shipped, messages(printed, x.Manifest.LogFormat))
	for _, line := range printed[:n] {
		offset += int64(len(line)) + 1
	}
	os.WriteFile(path+offsetSuffix, strconv.AppendInt(nil, offset, 10), 0o600) //nolint:errcheck // see above
}

// linesFrom lists the whole lines of a file from the offset on.
func linesFrom(path string, offset int64) [][]byte {
	data, err := os.ReadFile(path)
	if err != nil || int64(len(data)) <= offset {
		return nil
	}
	lines := bytes.Split(data[offset:], []byte("\n"))
	return lines[:len(lines)-1]
}

func messages(lines [][]byte, format nativeflow.LogFormat) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		_, out[i], _ = nativeflow.ReadLine(string(line), format, report.Info)
	}
	return out
}

// overlap is how many of the printed lines, from the first on, are the last that were shipped.
func overlap(shipped, printed []string) int {
	for n := min(len(shipped), len(printed)); n > 0; n-- {
		if slices.Equal(shipped[len(shipped)-n:], printed[:n]) {
			return n
		}
	}
	return 0
}
