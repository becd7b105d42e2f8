package rest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/otlp"
	"github.com/usherhq/usher/internal/server/core"
)

var runMetricRoutes = []route{
	{api.OpExportMetrics, "run_flows", small, exportMetrics},
	{api.OpReadFlowRunResourceMetrics, "see_flows", small, readRunMetrics},
	{api.OpListAvailableFlowRunMetrics, "see_flows", small, readRunMetricNames},
	{api.OpReadDeploymentResourcePeaksEndpoint, "see_deployments", small, readDeploymentPeaks},
}

// The media types of OTLP.
const (
	protobuf  = "application/x-protobuf"
	plainJSON = "application/json"
)

// exportMetrics takes measurements as OTLP over HTTP has them.
func exportMetrics(c *core.Core, r *request) (answer, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	read := map[string]func([]byte) (*otlp.Metrics, error){protobuf: otlp.ReadProtobuf, plainJSON: otlp.ReadJSON}[kind]
	if err != nil || read == nil {
		return answer{}, api.Errorf(api.CodeMediaType, "Send metrics as %s or %s.", protobuf, plainJSON)
	}
	body, err := r.unzipped()
	if err != nil {
		return answer{}, err
	}
	in, err := read(body)
	if err != nil {
		return answer{}, api.Errorf(api.CodeMalformed, "These are no metrics of OTLP: %w", err)
	}
	points := 0
	for i := range in.Runs {
		points += in.Runs[i].Len()
	}
	if err := r.spendEvents(points); err != nil {
		return answer{}, err
	}
	if err := c.ExportMetrics(r.Context(), r.who, in); err != nil {
		return answer{}, err
	}
	if kind == protobuf {
		return ok(raw{protobuf, in.AnswerProtobuf()})
	}
	return ok(in.AnswerJSON())
}

// unzipped reads a body that may be compressed; both forms of it are bounded.
func (r *request) unzipped() ([]byte, error) {
	body, err := r.read()
	var tooLarge *http.MaxBytesError
	switch coding := strings.ToLower(r.Header.Get("Content-Encoding")); {
	case errors.As(err, &tooLarge):
		return nil, api.Errorf(api.CodeTooLarge, "the request body is larger than the %d bytes this operation takes", tooLarge.Limit)
	case err != nil || coding == "" || coding == "identity":
		return body, err
	case coding != "gzip":
		return nil, api.Errorf(api.CodeMediaType, "A body may be compressed with gzip, not with %q.", coding)
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err == nil {
		body, err = io.ReadAll(io.LimitReader(z, r.limits.body+1))
	}
	if err != nil {
		return nil, api.Errorf(api.CodeMalformed, "The body is not what gzip makes: %w", err)
	}
	if int64(len(body)) > r.limits.body {
		return nil, api.Errorf(api.CodeTooLarge, "the request body is larger than the %d bytes this operation takes", r.limits.body)
	}
	return body, nil
}

// measured reads what measurements are asked for.
func (r *request) measured(parameter string) (id uuid.UUID, since, until *api.Time, err error) {
	if id, err = r.id(parameter); err != nil {
		return id, nil, nil, err
	}
	if since, err = r.queryTimePtr("start_time"); err != nil {
		return id, nil, nil, err
	}
	until, err = r.queryTimePtr("end_time")
	return id, since, until, err
}

func readRunMetrics(c *core.Core, r *request) (answer, error) {
	run, since, until, err := r.measured("flow_run_id")
	if err != nil {
		return answer{}, err
	}
	out, err := c.RunMetrics(r.Context(), r.who, run, r.URL.Query()["metric_names"], since, until)
	return give(http.StatusOK, out, err)
}

func readRunMetricNames(c *core.Core, r *request) (answer, error) {
	run, err := r.id("flow_run_id")
	if err != nil {
		return answer{}, err
	}
	out, err := c.RunMetricNames(r.Context(), r.who, run)
	return give(http.StatusOK, out, err)
}

func readDeploymentPeaks(c *core.Core, r *request) (answer, error) {
	deployment, since, until, err := r.measured("deployment_id")
	if err != nil {
		return answer{}, err
	}
	out, err := c.DeploymentPeaks(r.Context(), r.who, deployment, since, until)
	return give(http.StatusOK, out, err)
}
