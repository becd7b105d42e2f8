package client

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// DeploymentOfRun reads a deployment as a run of it wants it: as it was in the version that
// the run names, else as it is. Where its runs go stays as it is.
func (c *Client) DeploymentOfRun(ctx context.Context, id uuid.UUID, version *uuid.UUID) (api.DeploymentResponse, error) {
	d, err := c.ReadDeployment(ctx, id)
	if err != nil || version == nil || d.VersionID != nil && *d.VersionID == *version {
		return d, err
	}
	v, err := c.ReadDeploymentVersion(ctx, id, *version)
	if err != nil {
		return d, fmt.Errorf("version %s of deployment %q: %w", version, d.Name, err)
	}
	d.VersionID, d.VersionInfo, d.Entrypoint, d.Path, d.PullSteps = &v.ID, &v.VersionInfo, v.Entrypoint, v.Path, v.PullSteps
	d.Parameters, d.ParameterOpenapiSchema, d.EnforceParameterSchema = v.Parameters, v.ParameterOpenapiSchema, v.EnforceParameterSchema
	d.JobVariables, d.Tags, d.Labels, d.Description = v.JobVariables, v.Tags, v.Labels, v.Description
	return d, nil
}
