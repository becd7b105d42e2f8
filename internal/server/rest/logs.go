package rest

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var logRoutes = []route{
	{api.OpCreateLogs, "run_flows", large, createLogs},
	{api.OpReadLogs, "see_flows", small, readLogs},
	{api.OpDownloadLogs, "see_flows", small, downloadLogs},
}

func createLogs(c *core.Core, r *request) (answer, error) {
	var in []api.LogCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	if err := r.spendEvents(len(in)); err != nil {
		return answer{}, err
	}
	return give(http.StatusCreated, nil, c.CreateLogs(r.Context(), r.who, in))
}

func readLogs(c *core.Core, r *request) (answer, error) {
	var in api.ReadLogsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	logs, err := c.Logs(r.Context(), r.who, in.Logs, in.Sort.Or(api.LogSortTimestampAsc), limit, in.Offset.Or(0))
	return give(http.StatusOK, logs, err)
}

// downloadLogs answers with every line of a flow run as CSV.
func downloadLogs(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	run, err := c.FlowRun(r.Context(), r.who, id)
	if api.CodeOf(err) == api.CodeNotFound {
		err = api.NotFound("Flow run")
	}
	if err != nil {
		return answer{}, err
	}
	name := strings.ReplaceAll(url.QueryEscape(run.Name+"-logs.csv"), "+", "%20")
	return ok(&file{
		disposition: `attachment; filename="flow-run-logs.csv"; filename*=UTF-8''` + name, kind: "text/csv; charset=utf-8",
		write: func(w io.Writer) error {
			out := bufio.NewWriter(w)
			_, err := out.WriteString("timestamp,level,flow_run_id,task_run_id,message\r\n")
			if err == nil {
				err = c.EachLog(r.Context(), r.who, id, func(l *api.Log) error { return writeLine(out, l) })
			}
			if err == nil {
				err = out.Flush()
			}
			return err
		},
	})
}

func writeLine(w io.Writer, l *api.Log) error {
	at := l.Timestamp.UTC().Format("2006-01-02 15:04:05.000000+00:00")
	_, err := fmt.Fprintf(w, "%s,%d,%s,%s,%s\r\n", strings.Replace(at, ".000000", "", 1), l.Level, idCell(l.FlowRunID), idCell(l.TaskRunID), cell(l.Message))
	return err
}

func idCell(id *uuid.UUID) string {
	if id == nil {
		return ""
	}
	return id.String()
}

// cell quotes a text where CSV needs it.
func cell(text string) string {
	if !strings.ContainsAny(text, ",\"\r\n") {
		return text
	}
	return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
}
