package core

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// keptVersions is how many versions of a deployment are kept.
const keptVersions = 1000

// contentOf is what a version keeps of a deployment as it is.
func contentOf(d *api.DeploymentResponse) store.DeploymentContent {
	return store.DeploymentContent{
		Version: d.Version, Description: d.Description, Tags: d.Tags, Labels: d.Labels, Entrypoint: d.Entrypoint, Path: d.Path,
		PullSteps: d.PullSteps, Parameters: d.Parameters, ParameterOpenapiSchema: d.ParameterOpenapiSchema,
		EnforceParameterSchema: d.EnforceParameterSchema, JobVariables: d.JobVariables, WorkPoolName: d.WorkPoolName,
		WorkQueueID: d.WorkQueueID, WorkQueueName: d.WorkQueueName,
		StorageDocumentID: d.StorageDocumentID, InfrastructureDocumentID: d.InfrastructureDocumentID,
	}
}

// asOf is the deployment as it was in a version.
func asOf(d *api.DeploymentResponse, v *store.DeploymentVersion) *api.DeploymentResponse {
	out, c := *d, &v.Content
	out.VersionID, out.VersionInfo, out.Version = &v.ID, &v.Info, c.Version
	out.Description, out.Tags, out.Labels, out.Entrypoint, out.Path, out.PullSteps = c.Description, c.Tags, c.Labels, c.Entrypoint, c.Path, c.PullSteps
	out.Parameters, out.ParameterOpenapiSchema, out.EnforceParameterSchema, out.JobVariables = c.Parameters, c.ParameterOpenapiSchema, c.EnforceParameterSchema, c.JobVariables
	out.StorageDocumentID, out.InfrastructureDocumentID = c.StorageDocumentID, c.InfrastructureDocumentID
	return &out
}

func versionResponse(v *store.DeploymentVersion) api.DeploymentVersionResponse {
	c := &v.Content
	return api.DeploymentVersionResponse{
		ID: v.ID, Created: &v.Created, Updated: &v.Updated, InfraOverrides: c.JobVariables, Description: c.Description, Tags: c.Tags, Labels: c.Labels,
		Entrypoint: c.Entrypoint, PullSteps: c.PullSteps, Parameters: c.Parameters, ParameterOpenapiSchema: c.ParameterOpenapiSchema,
		EnforceParameterSchema: c.EnforceParameterSchema, WorkQueueID: c.WorkQueueID, WorkQueueName: c.WorkQueueName, JobVariables: c.JobVariables,
		CreatedBy: v.CreatedBy, UpdatedBy: v.UpdatedBy, DeploymentID: v.DeploymentID, VersionInfo: v.Info, LastActive: &v.LastActive, WorkPoolName: c.WorkPoolName,
		Path: c.Path,
	}
}

// makeVersion notes that a deploy from what info tells has made the deployment what it is.
// One that changes nothing makes no new version.
func (w *work) makeVersion(d *api.DeploymentResponse, asked api.Opt[api.VersionInfo]) error {
	info, ok := asked.Get()
	if !ok {
		return nil
	}
	content := contentOf(d)
	if d.VersionID != nil {
		now, err := w.DeploymentVersion(d.ID, *d.VersionID)
		if err != nil && !errors.Is(err, store.ErrNoRows) {
			return err
		}
		if err == nil {
			same, err := equalJSON([2]any{now.Info, now.Content}, [2]any{info, content})
			if err != nil || same {
				return err
			}
		}
	}
	v := &store.DeploymentVersion{
		ID: newID(), Created: w.now, Updated: w.now, DeploymentID: d.ID, Info: info, Content: content, CreatedBy: w.who.By, LastActive: w.now,
	}
	if err := w.InsertDeploymentVersion(v); err != nil {
		return err
	}
	if err := w.setVersion(d, v); err != nil {
		return err
	}
	return w.DropOldDeploymentVersions(d.ID, keptVersions)
}

// setVersion says which version the deployment is.
func (w *work) setVersion(d *api.DeploymentResponse, v *store.DeploymentVersion) error {
	info, err := json.Marshal(v.Info)
	if err != nil {
		return err
	}
	d.VersionID, d.VersionInfo = &v.ID, &v.Info
	_, err = w.SetDeployment(d.ID, store.Set{Column: "version_id", Value: v.ID}, store.Set{Column: "version_info", Value: jsontext.Value(info)})
	return err
}

// equalJSON says whether two values are the same JSON, whatever the order of members.
func equalJSON(a, b any) (bool, error) {
	var texts [2]jsontext.Value
	for i, v := range []any{a, b} {
		text, err := json.Marshal(v)
		if err != nil {
			return false, err
		}
		texts[i] = text
		if err := texts[i].Canonicalize(); err != nil {
			return false, err
		}
	}
	return bytes.Equal(texts[0], texts[1]), nil
}

// DeploymentVersions lists one page of the versions of a deployment, counted from 1, the one
// that was the present one last first.
func (c *Core) DeploymentVersions(ctx context.Context, who Caller, deployment uuid.UUID, limit, page int) (*api.DeploymentVersionPaginationResponse, error) {
	out := &api.DeploymentVersionPaginationResponse{Limit: limit, Page: page, Results: []api.DeploymentVersionResponse{}}
	return found("Deployment", func() (*api.DeploymentVersionPaginationResponse, error) {
		return out, c.read(ctx, who, func(tx *store.Tx) error {
			if _, err := tx.Deployment(deployment); err != nil {
				return err
			}
			list, err := tx.DeploymentVersions(deployment, limit, limit*(page-1))
			if err != nil {
				return err
			}
			for i := range list {
				out.Results = append(out.Results, versionResponse(&list[i]))
			}
			out.Count, err = tx.CountDeploymentVersions(deployment)
			out.Pages = pages(out.Count, limit)
			return err
		})
	})
}

// DeploymentVersion returns a version of a deployment.
func (c *Core) DeploymentVersion(ctx context.Context, who Caller, deployment, id uuid.UUID) (*api.DeploymentVersionResponse, error) {
	return found("Deployment version", func() (*api.DeploymentVersionResponse, error) {
		v, err := value(ctx, c, who, func(tx *store.Tx) (*store.DeploymentVersion, error) { return tx.DeploymentVersion(deployment, id) })
		if err != nil {
			return nil, err
		}
		out := versionResponse(v)
		return &out, nil
	})
}

// knownVersion reads a deployment with one of its versions.
func (w *work) knownVersion(deployment, id uuid.UUID) (*api.DeploymentResponse, *store.DeploymentVersion, error) {
	d, err := w.knownDeployment(deployment, "Deployment not found")
	if err != nil {
		return nil, nil, err
	}
	v, err := w.DeploymentVersion(deployment, id)
	if errors.Is(err, store.ErrNoRows) {
		err = api.NotFound("Deployment version")
	}
	return d, v, err
}

// DeleteDeploymentVersion deletes a version of a deployment, unless it is the present one.
func (c *Core) DeleteDeploymentVersion(ctx context.Context, who Caller, deployment, id uuid.UUID) error {
	return c.write(ctx, who, func(w *work) error {
		d, v, err := w.knownVersion(deployment, id)
		if err != nil {
			return err
		}
		if d.VersionID != nil && *d.VersionID == id {
			return api.Errorf(api.CodeConflict, "Version %s is what the deployment is now. Promote another one before you delete it.", id)
		}
		return w.Tx.DeleteDeploymentVersion(v.ID)
	})
}

// PromoteDeploymentVersion makes a deployment what it was in one of its versions; schedules
// and limits stay. It says whether that was another one than the present.
func (c *Core) PromoteDeploymentVersion(ctx context.Context, who Caller, deployment, id uuid.UUID, reason string) (moved bool, err error) {
	err = c.write(ctx, who, func(w *work) error {
		d, v, err := w.knownVersion(deployment, id)
		if err != nil {
			return err
		}
		moved = d.VersionID == nil || *d.VersionID != v.ID
		before := d.VersionID
		if err := w.updateDeployment(d, asChange(&v.Content)); err != nil {
			return err
		}
		if err := w.setVersion(d, v); err != nil {
			return err
		}
		by, err := canonical(w.who.By)
		if err != nil {
			return err
		}
		err = w.SetDeploymentVersion(v.ID, store.Set{Column: "last_active", Value: w.now}, store.Set{Column: "updated", Value: w.now}, store.Set{Column: "updated_by", Value: by})
		if err != nil {
			return err
		}
		return w.tellOfPromotion(d, v, before, reason)
	})
	return moved, err
}

// tellOfPromotion emits that a deployment has become one of its versions.
func (w *work) tellOfPromotion(d *api.DeploymentResponse, v *store.DeploymentVersion, before *uuid.UUID, reason string) error {
	payload, err := json.Marshal(struct {
		Version  uuid.UUID       `json:"version_id"`
		Info     api.VersionInfo `json:"version_info"`
		Previous *uuid.UUID      `json:"previous_version_id"`
		Reason   string          `json:"reason,omitzero"`
	}{v.ID, v.Info, before, reason})
	if err != nil {
		return err
	}
	return w.emitDeployment("version-promoted", d, payload)
}

// asChange is a version as the change that brings it back.
func asChange(c *store.DeploymentContent) *api.DeploymentUpdate {
	return &api.DeploymentUpdate{
		Version: given(c.Version), Description: given(c.Description), Tags: api.Some(c.Tags), Entrypoint: given(c.Entrypoint), Path: given(c.Path),
		PullSteps: listed(c.PullSteps), Parameters: api.Some(c.Parameters), ParameterOpenapiSchema: api.Some(api.Object(c.ParameterOpenapiSchema)),
		EnforceParameterSchema: api.Some(c.EnforceParameterSchema), JobVariables: api.Some(c.JobVariables),
		WorkPoolName: given(c.WorkPoolName), WorkQueueName: given(c.WorkQueueName),
		StorageDocumentID: given(c.StorageDocumentID), InfrastructureDocumentID: given(c.InfrastructureDocumentID),
	}
}

// given is what p points to, or null.
func given[T any](p *T) api.Opt[T] {
	if p == nil {
		return api.Null[T]()
	}
	return api.Some(*p)
}

func listed[T any](list []T) api.Opt[[]T] {
	if list == nil {
		return api.Null[[]T]()
	}
	return api.Some(list)
}

// tellsVersions says that every run notes of which version of its deployment it is: where there
// are accounts. Elsewhere those do whose version somebody has chosen, since clients of the
// self-hosted contract know of none.
func (w *work) tellsVersions() bool { return w.who.Account != nil || w.Workspace() != DefaultWorkspace }

// versionToRun is the deployment as a run wants it: as it is, or as it was in a version.
func (w *work) versionToRun(d *api.DeploymentResponse, asked api.Opt[uuid.UUID]) (*api.DeploymentResponse, error) {
	id, ok := asked.Get()
	if !ok && !w.tellsVersions() {
		bare := *d
		bare.VersionID, bare.VersionInfo = nil, nil
		return &bare, nil
	}
	if !ok || d.VersionID != nil && *d.VersionID == id {
		return d, nil
	}
	_, v, err := w.knownVersion(d.ID, id)
	if err != nil {
		return nil, err
	}
	return asOf(d, v), nil
}

// ofTheRun is a deployment for who reads it: for the program of a run as it was in the
// version that the run is of.
func ofTheRun(tx *store.Tx, who Caller, d *api.DeploymentResponse, err error) (*api.DeploymentResponse, error) {
	if err != nil || who.Run == nil || d.VersionID == nil {
		return d, err
	}
	v, err := tx.VersionOfRun(*who.Run, d.ID)
	if errors.Is(err, store.ErrNoRows) {
		return d, nil
	}
	if err != nil {
		return nil, err
	}
	return asOf(d, v), nil
}

// BranchDeployment makes a deployment of the same flow that begins as a copy of another one,
// with what the request wants otherwise.
func (c *Core) BranchDeployment(ctx context.Context, who Caller, id uuid.UUID, in *api.DeploymentBranch) (*api.DeploymentResponse, error) {
	var d *api.DeploymentResponse
	err := c.write(ctx, who, func(w *work) error {
		base, err := w.knownDeployment(id, "Deployment not found")
		if err != nil {
			return err
		}
		create := branchOf(base, in)
		_, err = w.DeploymentOfFlow(base.FlowID, create.Name)
		if err == nil {
			return api.Errorf(api.CodeConflict, "There is a deployment %q of this flow already.", create.Name)
		}
		if !errors.Is(err, store.ErrNoRows) {
			return err
		}
		if d, _, err = w.upsertDeployment(create); err != nil {
			return err
		}
		overrides, ok := in.Overrides.Get()
		if !ok {
			return nil
		}
		if err := w.updateDeployment(d, &overrides); err != nil {
			return err
		}
		d, err = w.Deployment(d.ID)
		return err
	})
	return d, err
}

// branchOf is the copy that a branch begins as.
func branchOf(base *api.DeploymentResponse, in *api.DeploymentBranch) *api.DeploymentCreate {
	content := contentOf(base)
	as := asChange(&content)
	root := base.Root
	if root == nil {
		root = &base.ID
	}
	create := &api.DeploymentCreate{
		Name: branchName(base.Name, in.Branch), FlowID: base.FlowID, Branch: api.Some(in.Branch), Base: api.Some(base.ID), Root: api.Some(*root),
		Version: as.Version, Description: as.Description, Tags: as.Tags, Labels: api.Some(base.Labels), Entrypoint: as.Entrypoint, Path: as.Path,
		PullSteps: as.PullSteps, Parameters: as.Parameters, ParameterOpenapiSchema: as.ParameterOpenapiSchema,
		EnforceParameterSchema: as.EnforceParameterSchema, JobVariables: as.JobVariables, WorkPoolName: as.WorkPoolName, WorkQueueName: as.WorkQueueName,
		StorageDocumentID: as.StorageDocumentID, InfrastructureDocumentID: as.InfrastructureDocumentID, Paused: api.Some(base.Paused),
		Schedules: api.Some(branchSchedules(base, in.Options.Or(api.DeploymentBranchingOptions{}).ScheduleHandling.Or(api.BranchingScheduleHandlingRemove))),
	}
	if base.ConcurrencyOptions != nil {
		create.ConcurrencyOptions = api.Some(*base.ConcurrencyOptions)
	}
	if base.VersionInfo != nil {
		info := *base.VersionInfo
		create.VersionInfo = api.Some(info)
	}
	switch limit := base.GlobalConcurrencyLimit; {
	case limit == nil:
	case limit.Name == store.OwnLimit(base.ID):
		create.ConcurrencyLimit = api.Some(limit.Limit)
	default:
		create.GlobalConcurrencyLimitID = api.Some(limit.ID)
	}
	return create
}

// branchName is the name of a branch's deployment, without what names can't have.
func branchName(base, branch string) string {
	return base + "-" + strings.Map(func(r rune) rune {
		if strings.ContainsRune("/%&><", r) {
			return '-'
		}
		return r
	}, branch)
}

// branchSchedules are the schedules that a branch begins with.
func branchSchedules(base *api.DeploymentResponse, handling api.BranchingScheduleHandling) []api.DeploymentScheduleCreate {
	list := []api.DeploymentScheduleCreate{}
	if handling == api.BranchingScheduleHandlingRemove {
		return list
	}
	for _, s := range base.Schedules {
		create := api.DeploymentScheduleCreate{
			Active: api.Some(s.Active && handling == api.BranchingScheduleHandlingKeep), Schedule: s.Schedule,
			MaxScheduledRuns: given(s.MaxScheduledRuns), Parameters: api.Some(s.Parameters), Slug: given(s.Slug),
		}
		var policy api.SchedulePolicy
		if len(s.Policy) > 0 && json.Unmarshal(s.Policy, &policy) == nil {
			create.Policy = api.Some(policy)
		}
		list = append(list, create)
	}
	return list
}
