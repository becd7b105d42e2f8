package rest

import (
	"net/http"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var metricRoutes = []route{
	{api.OpReadPrefectMetricTimeseriesInUI, "see_flows", small, readMetric},
	{api.OpReadPrefectMetricTimeseries, "see_flows", small, readMetric},
	{api.OpReadPrefectMetricGrouped, "see_flows", small, readMetricGroups},
}

func (r *request) metric() (api.PrefectMetric, error) {
	m, problem := choice[api.PrefectMetric](r.PathValue("metric"), "path", "metric")
	if problem != nil {
		return m, api.Invalid(nil, *problem)
	}
	return m, nil
}

func readMetric(c *core.Core, r *request) (answer, error) {
	m, err := r.metric()
	if err != nil {
		return answer{}, err
	}
	var in api.TimeseriesMetricQueryInput
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	out, err := c.MetricSeries(r.Context(), r.who, m, &in, r.body)
	return give(http.StatusOK, out, err)
}

func readMetricGroups(c *core.Core, r *request) (answer, error) {
	m, err := r.metric()
	if err != nil {
		return answer{}, err
	}
	var in api.GroupedMetricQueryInput
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	out, err := c.MetricGroups(r.Context(), r.who, m, &in, r.body)
	return give(http.StatusOK, out, err)
}
