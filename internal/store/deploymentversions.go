package store

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// DeploymentVersion is what a deployment was after a deploy that told where it comes from.
type DeploymentVersion struct {
	ID           uuid.UUID
	Created      api.Time
	Updated      api.Time
	DeploymentID uuid.UUID
	Info         api.VersionInfo
	Content      DeploymentContent
	CreatedBy    *api.CreatedBy
	UpdatedBy    *api.UpdatedBy
	LastActive   api.Time // when it last became the present one
}

// DeploymentContent is what a version keeps of a deployment.
type DeploymentContent struct {
	Version                  *string                      `json:"version"`
	Description              *string                      `json:"description"`
	Tags                     []string                     `json:"tags"`
	Labels                   jsontext.Value               `json:"labels"`
	Entrypoint               *string                      `json:"entrypoint"`
	Path                     *string                      `json:"path"`
	PullSteps                api.NullList[jsontext.Value] `json:"pull_steps"`
	Parameters               jsontext.Value               `json:"parameters"`
	ParameterOpenapiSchema   jsontext.Value               `json:"parameter_openapi_schema"`
	EnforceParameterSchema   bool                         `json:"enforce_parameter_schema"`
	JobVariables             jsontext.Value               `json:"job_variables"`
	WorkPoolName             *string                      `json:"work_pool_name"`
	WorkQueueID              *uuid.UUID                   `json:"work_queue_id"`
	WorkQueueName            *string                      `json:"work_queue_name"`
	StorageDocumentID        *uuid.UUID                   `json:"storage_document_id"`
	InfrastructureDocumentID *uuid.UUID                   `json:"infrastructure_document_id"`
}

const selectDeploymentVersions = `
	select id, created, updated, deployment_id, version_info, content, created_by, updated_by, last_active
	from deployment_version
	where workspace_id = ?
	and deployment_id = ?`

func scanDeploymentVersion(row *Row) (v DeploymentVersion, err error) {
	var info, content, createdBy, updatedBy passing
	if err := row.Scan(&v.ID, &v.Created, &v.Updated, &v.DeploymentID, &info, &content, &createdBy, &updatedBy, &v.LastActive); err != nil {
		return v, err
	}
	if err := json.Unmarshal(info, &v.Info); err != nil {
		return v, err
	}
	if err := json.Unmarshal(content, &v.Content); err != nil {
		return v, err
	}
	if v.CreatedBy, err = optional[api.CreatedBy](createdBy); err != nil {
		return v, err
	}
	v.UpdatedBy, err = optional[api.UpdatedBy](updatedBy)
	return v, err
}

// DeploymentVersionsSQL is the query of DeploymentVersions but for its page.
const DeploymentVersionsSQL = selectDeploymentVersions + "\norder by last_active desc, id desc"

// DeploymentVersions lists the versions of a deployment, the one that was the present one
// last first.
func (tx *Tx) DeploymentVersions(deployment uuid.UUID, limit, offset int) ([]DeploymentVersion, error) {
	at := page(limit, offset)
	return many(tx, DeploymentVersionsSQL+at.sql, append([]any{tx.workspace, deployment}, at.args...), scanDeploymentVersion)
}

// CountDeploymentVersions counts the versions of a deployment.
func (tx *Tx) CountDeploymentVersions(deployment uuid.UUID) (int, error) {
	return tx.count("deployment_version", is("workspace_id = ?\nand deployment_id = ?", tx.workspace, deployment))
}

// DeploymentVersion returns a version of a deployment by its id.
func (tx *Tx) DeploymentVersion(deployment, id uuid.UUID) (*DeploymentVersion, error) {
	return one(tx, selectDeploymentVersions+"\nand id = ?", []any{tx.workspace, deployment, id}, scanDeploymentVersion)
}

// VersionOfRun returns the version of its deployment that a flow run is of, unless the
// deployment is that version now.
func (tx *Tx) VersionOfRun(run, deployment uuid.UUID) (*DeploymentVersion, error) {
	return one(tx, selectDeploymentVersions+`
		and id = (
		  select r.deployment_version_id
		  from flow_run r
		  where r.workspace_id = deployment_version.workspace_id
		  and r.id = ?)
		and id <> (
		  select coalesce(d.version_id, deployment_version.deployment_id)
		  from deployment d
		  where d.workspace_id = deployment_version.workspace_id
		  and d.id = deployment_version.deployment_id)`, []any{tx.workspace, deployment, run}, scanDeploymentVersion)
}

// InsertDeploymentVersion adds a version.
func (tx *Tx) InsertDeploymentVersion(v *DeploymentVersion) error {
	createdBy, err := optionalJSON(v.CreatedBy)
	if err != nil {
		return err
	}
	info, err := json.Marshal(v.Info)
	if err != nil {
		return err
	}
	content, err := json.Marshal(v.Content)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`
		insert into deployment_version (workspace_id, id, created, updated, deployment_id, version_info, content, created_by, last_active)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		tx.workspace, v.ID, v.Created, v.Updated, v.DeploymentID, jsontext.Value(info), jsontext.Value(content), createdBy, v.LastActive)
	return err
}

// SetDeploymentVersion writes columns of a version.
func (tx *Tx) SetDeploymentVersion(id uuid.UUID, sets ...Set) error {
	return known(tx.setRow("deployment_version", id, sets))
}

// DeleteDeploymentVersion deletes a version. Runs of it keep what names it.
func (tx *Tx) DeleteDeploymentVersion(id uuid.UUID) error {
	return known(tx.deleteRow("deployment_version", id))
}

// DropOldDeploymentVersions deletes all versions of a deployment but the latest so many and
// the present one.
func (tx *Tx) DropOldDeploymentVersions(deployment uuid.UUID, keep int) error {
	_, err := tx.Exec(`
		delete from deployment_version
		where workspace_id = ?
		and id in (
		  select id
		  from deployment_version
		  where workspace_id = ?
		  and deployment_id = ?
		  order by last_active desc, id desc
		  limit 9223372036854775807
		  offset ?)
		and id <> (
		  select coalesce(d.version_id, d.id)
		  from deployment d
		  where d.workspace_id = ?
		  and d.id = ?)`, tx.workspace, tx.workspace, deployment, keep, tx.workspace, deployment)
	return err
}
