package rest

import (
	"github.com/usherhq/usher/internal/api"
)

// route is one row of the table: an operation of the contract, who may call it, what it
// may cost, and what answers. What has no row answers 501 (an operation of the contract)
// or 404 (anything else).
type route struct {
	op         api.Operation
	permission permission
	limits     limits
	handle     handler
}

// permission names what a caller must be allowed to do, in the words of the hosted
// service's workspace scopes.
type permission string

// limits bound one request.
type limits struct {
	body int64 // bytes of the request body
}

var (
	small  = limits{body: 1 << 20}  // an object
	medium = limits{body: 8 << 20}  // an object with parameters, schemas, lists of ids
	large  = limits{body: 64 << 20} // batches: logs, events
)

// routes is the whole table, noun by noun.
func routes() []route {
	var all []route
	for _, noun := range [][]route{
		slaRoutes, metricRoutes, runMetricRoutes, managedRoutes,
		rootRoutes, flowRoutes, flowRunRoutes, runTokenRoutes, taskRunRoutes, stateRoutes, runInputRoutes, historyRoutes, graphRoutes,
		dashboardRoutes, savedSearchRoutes, logRoutes, variableRoutes, limitRoutes, tagLimitRoutes, artifactRoutes, blockTypeRoutes, blockDocumentRoutes, adminRoutes, automationRoutes, eventRoutes, taskWorkerRoutes,
		workPoolRoutes, poolQueueRoutes, workQueueRoutes, workerRoutes, deploymentRoutes, deploymentRunRoutes, scheduleRoutes, templateRoutes,
		assetRoutes, resourceRoutes, publicationRoutes, traceRoutes,
		deploymentVersionRoutes,
		runViewRoutes, listPageRoutes, incidentRoutes,
	} {
		all = append(all, noun...)
	}
	return all
}
