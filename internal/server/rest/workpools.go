package rest

import (
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var workPoolRoutes = []route{
	{api.OpCreateWorkPool, "write_work_pools", medium, createWorkPool},
	{api.OpReadWorkPool, "see_work_pools", small, readWorkPool},
	{api.OpReadWorkPools, "see_work_pools", small, readWorkPools},
	{api.OpCountWorkPools, "see_work_pools", small, countWorkPools},
	{api.OpUpdateWorkPool, "write_work_pools", medium, updateWorkPool},
	{api.OpDeleteWorkPool, "manage_work_pools", small, deleteWorkPool},
	{api.OpPreviewWorkPoolConfiguration, "see_work_pools", medium, previewWorkPool},
}

func createWorkPool(c *core.Core, r *request) (answer, error) {
	var in api.WorkPoolCreate
	if err := r.decode(&in, checkTemplate(&in.BaseJobTemplate)); err != nil {
		return answer{}, err
	}
	p, err := c.CreateWorkPool(r.Context(), r.who, &in)
	if err == nil && r.who.FailsOnResultStorage() {
		return give(http.StatusCreated, older(p), nil)
	}
	return give(http.StatusCreated, p, err)
}

type plainPool api.WorkPoolResponse

// olderPool is a pool as clients know it that fail to read a newer one.
type olderPool struct {
	plainPool            `json:",embed"`
	StorageConfiguration olderStorage `json:"storage_configuration"`
}

type olderStorage struct {
	BundleUploadStep    jsontext.Value `json:"bundle_upload_step"`
	BundleExecutionStep jsontext.Value `json:"bundle_execution_step"`
}

func older(p *api.WorkPoolResponse) *olderPool {
	return &olderPool{plainPool(*p), olderStorage{p.StorageConfiguration.BundleUploadStep, p.StorageConfiguration.BundleExecutionStep}}
}

func readWorkPool(c *core.Core, r *request) (answer, error) {
	p, err := c.WorkPool(r.Context(), r.who, r.PathValue("name"))
	if err == nil && r.who.FailsOnResultStorage() {
		return give(http.StatusOK, older(p), nil)
	}
	return give(http.StatusOK, p, err)
}

func readWorkPools(c *core.Core, r *request) (answer, error) {
	var in api.ReadWorkPoolsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	pools, err := c.WorkPools(r.Context(), r.who, in.WorkPools, limit, in.Offset.Or(0))
	if err == nil && r.who.FailsOnResultStorage() {
		list := make([]*olderPool, len(pools))
		for i := range pools {
			list[i] = older(&pools[i])
		}
		return give(http.StatusOK, list, nil)
	}
	return give(http.StatusOK, pools, err)
}

func countWorkPools(c *core.Core, r *request) (answer, error) {
	var in api.CountWorkPoolsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	n, err := c.CountWorkPools(r.Context(), r.who, in.WorkPools)
	return give(http.StatusOK, n, err)
}

func updateWorkPool(c *core.Core, r *request) (answer, error) {
	var in api.WorkPoolUpdate
	if err := r.decode(&in, checkTemplate(&in.BaseJobTemplate)); err != nil {
		return answer{}, err
	}
	return none(c.UpdateWorkPool(r.Context(), r.who, r.PathValue("name"), &in))
}

func deleteWorkPool(c *core.Core, r *request) (answer, error) {
	return none(c.DeleteWorkPool(r.Context(), r.who, r.PathValue("name")))
}

// previewWorkPool answers with the job that a base job template makes of its own defaults.
func previewWorkPool(_ *core.Core, r *request) (answer, error) {
	var in api.PreviewWorkPoolConfigurationRequest
	if err := r.decode(&in, anObject("base_job_template", &in.BaseJobTemplate)); err != nil {
		return answer{}, err
	}
	job, err := core.PreviewJob(in.BaseJobTemplate)
	return give(http.StatusOK, job, err)
}
