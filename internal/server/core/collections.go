package core

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
)

// workerTypes describes the types of workers with their base job templates: the answer of
// a reference server to GET /collections/views/aggregate-worker-metadata.
//
//go:embed workertypes.json.gz
var workerTypes []byte

// Collection returns a view of the registry of integrations. What is packaged are the
// types of workers; of the other views nothing is, so they are empty.
func Collection(view string) (jsontext.Value, error) {
	switch view {
	case "aggregate-worker-metadata":
		z, err := gzip.NewReader(bytes.NewReader(workerTypes))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(z)
	case "aggregate-block-metadata", "aggregate-flow-metadata", "demo-flows":
		return jsontext.Value("{}"), nil
	}
	return nil, api.Errorf(api.CodeNotFound, "View %s not found in registry", view)
}

// workPoolType is a type of work pools in that view.
type workPoolType struct {
	Type             string         `json:"type"`
	DisplayName      string         `json:"display_name"`
	Description      string         `json:"description"`
	DocumentationURL string         `json:"documentation_url"`
	LogoURL          string         `json:"logo_url"`
	InstallCommand   string         `json:"install_command"`
	IsBeta           bool           `json:"is_beta"`
	Template         jsontext.Value `json:"default_base_job_configuration"`
}

// WorkPoolTypes is the view aggregate-worker-metadata as the hosted service has it: with the
// types besides whose pools have no worker of their own.
func WorkPoolTypes() (jsontext.Value, error) {
	view, err := Collection("aggregate-worker-metadata")
	if err != nil {
		return nil, err
	}
	var types map[string]map[string]workPoolType
	if err := json.Unmarshal(view, &types); err != nil {
		return nil, err
	}
	push := types["prefect-aws"]["ecs"]
	push.Type, push.DisplayName = "ecs:push", "AWS Elastic Container Service - Push"
	push.Description = "Execute flow runs within containers on AWS ECS, without a worker: the tasks are started with the credentials of the pool's block."
	push.InstallCommand = ""
	types["prefect-aws"][push.Type] = push
	managed := workPoolType{
		Type: "prefect:managed", DisplayName: "Managed", LogoURL: types["prefect"]["process"].LogoURL, Template: jobtemplate.Managed(),
		Description: "Execute flow runs within containers on infrastructure that the operator of the server attaches, without a worker.",
	}
	types["prefect"][managed.Type] = managed
	return json.Marshal(types, json.Deterministic(true))
}
