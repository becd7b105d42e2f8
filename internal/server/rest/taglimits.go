package rest

import (
	"net/http"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var tagLimitRoutes = []route{
	{api.OpCreateConcurrencyLimit, "manage_concurrency_limits", small, setTagLimit},
	{api.OpReadConcurrencyLimit, "see_concurrency_limits", small, readTagLimit},
	{api.OpReadConcurrencyLimitByTag, "see_concurrency_limits", small, readTagLimit},
	{api.OpReadConcurrencyLimits, "see_concurrency_limits", small, readTagLimits},
	{api.OpDeleteConcurrencyLimit, "manage_concurrency_limits", small, deleteTagLimit},
	{api.OpDeleteConcurrencyLimitByTag, "manage_concurrency_limits", small, deleteTagLimit},
	{api.OpResetConcurrencyLimitByTag, "manage_concurrency_limits", small, resetTagLimit},
	{api.OpIncrementConcurrencyLimitsV1, "run_flows", small, acquireTags},
	{api.OpDecrementConcurrencyLimitsV1, "run_flows", small, releaseTags},
}

func setTagLimit(c *core.Core, r *request) (answer, error) {
	var in api.ConcurrencyLimitCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	l, isNew, err := c.SetTagLimit(r.Context(), r.who, &in)
	return give(madeOrFound(isNew), l, err)
}

// tagOrID reads which limit a path means.
func (r *request) tagOrID() (core.Ref, error) {
	if tag := r.PathValue("tag"); tag != "" {
		return core.ByName(tag), nil
	}
	id, err := r.id("id")
	return core.ByID(id), err
}

func readTagLimit(c *core.Core, r *request) (answer, error) {
	which, err := r.tagOrID()
	if err != nil {
		return answer{}, err
	}
	l, err := c.TagLimit(r.Context(), r.who, which)
	return give(http.StatusOK, l, err)
}

func readTagLimits(c *core.Core, r *request) (answer, error) {
	var in api.ReadConcurrencyLimitsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	list, err := c.TagLimits(r.Context(), r.who, limit, in.Offset.Or(0))
	return give(http.StatusOK, list, err)
}

func deleteTagLimit(c *core.Core, r *request) (answer, error) {
	which, err := r.tagOrID()
	if err != nil {
		return answer{}, err
	}
	return give(http.StatusOK, nil, c.DeleteTagLimit(r.Context(), r.who, which))
}

func resetTagLimit(c *core.Core, r *request) (answer, error) {
	var in api.ResetConcurrencyLimitByTagRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return give(http.StatusOK, nil, c.ResetTagLimit(r.Context(), r.who, r.PathValue("tag"), in.SlotOverride.Or(nil)))
}

func acquireTags(c *core.Core, r *request) (answer, error) {
	var in api.IncrementConcurrencyLimitsV1Request
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	taken, err := c.AcquireTags(r.Context(), r.who, in.Names, in.TaskRunID)
	return r.orFull(taken, err)
}

func releaseTags(c *core.Core, r *request) (answer, error) {
	var in api.DecrementConcurrencyLimitsV1Request
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	freed, err := c.ReleaseTags(r.Context(), r.who, in.Names, in.TaskRunID)
	return give(http.StatusOK, freed, err)
}
