package rest

import (
	"net/http"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var incidentRoutes = []route{
	{api.OpDeclareIncident, "write_incidents", small, declareIncident},
	{api.OpReadIncidents, "see_incidents", small, readIncidents},
	{api.OpReadIncident, "see_incidents", small, readIncident},
	{api.OpUpdateIncident, "write_incidents", small, updateIncident},
	{api.OpResolveIncident, "write_incidents", small, settleIncident(api.IncidentStatusResolved)},
	{api.OpReopenIncident, "write_incidents", small, settleIncident(api.IncidentStatusActive)},
	{api.OpCommentIncident, "write_incidents", small, commentIncident},
	{api.OpDeleteIncident, "manage_incidents", small, deleteIncident},
}

func declareIncident(c *core.Core, r *request) (answer, error) {
	var in api.IncidentCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	i, err := c.DeclareIncident(r.Context(), r.who, &in)
	return give(http.StatusCreated, i, err)
}

func readIncidents(c *core.Core, r *request) (answer, error) {
	var in api.ReadIncidentsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	list, err := c.Incidents(r.Context(), r.who, in.Incidents, limit, in.Offset.Or(0))
	return give(http.StatusOK, list, err)
}

func readIncident(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	i, err := c.Incident(r.Context(), r.who, id)
	return give(http.StatusOK, i, err)
}

func updateIncident(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.IncidentUpdate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	i, err := c.UpdateIncident(r.Context(), r.who, id, &in)
	return give(http.StatusOK, i, err)
}

func settleIncident(to api.IncidentStatus) handler {
	return func(c *core.Core, r *request) (answer, error) {
		id, err := r.id("id")
		if err != nil {
			return answer{}, err
		}
		i, err := c.SettleIncident(r.Context(), r.who, id, to)
		return give(http.StatusOK, i, err)
	}
}

func commentIncident(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.IncidentCommentCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	i, err := c.CommentIncident(r.Context(), r.who, id, in.Body)
	return give(http.StatusCreated, i, err)
}

func deleteIncident(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	return none(c.DeleteIncident(r.Context(), r.who, id))
}
