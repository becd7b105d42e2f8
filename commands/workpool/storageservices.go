package workpool

import "github.com/google/uuid"

// storageService is a service that keeps what runs need: how the SDK's integration with it
// calls things.
type storageService struct {
	verb, title string
	noun        string // what the service calls a place to keep things in
	module      string // of Python
	requires    string // the package of that module
	blockType   string // keeps results
	blockPlace  string // the block's value that names the place
	folder      bool   // whether the block has a folder
	credentials credentials
}

// credentials say how a service is told who asks.
type credentials struct {
	blockType string
	blockKey  string // the value of the result block that refers to them
	stepKey   string // the argument of the steps that names them
	needed    bool   // whether the machine's own can't do instead
}

func (s storageService) credentialsFlag() string { return s.credentials.blockType + "-block-name" }

func storageServices() []storageService {
	return []storageService{
		{
			verb: "s3", title: "S3", noun: "bucket", module: "prefect_aws", requires: "prefect-aws",
			blockType: "s3-bucket", blockPlace: "bucket_name", folder: true,
			credentials: credentials{blockType: "aws-credentials", blockKey: "credentials", stepKey: "aws_credentials_block_name"},
		},
		{
			verb: "gcs", title: "GCS", noun: "bucket", module: "prefect_gcp", requires: "prefect-gcp",
			blockType: "gcs-bucket", blockPlace: "bucket", folder: true,
			credentials: credentials{blockType: "gcp-credentials", blockKey: "gcp_credentials", stepKey: "gcp_credentials_block_name"},
		},
		{
			verb: "azure-blob-storage", title: "Azure Blob Storage", noun: "container", module: "prefect_azure", requires: "prefect-azure",
			blockType: "azure-blob-storage-container", blockPlace: "container_name",
			credentials: credentials{blockType: "azure-blob-storage-credentials", blockKey: "credentials", stepKey: "azure_blob_storage_credentials_block_name", needed: true},
		},
	}
}

// blockData are the values of the block that keeps results. The credentials are always among
// them, so that those of an earlier configuration go.
func (s storageService) blockData(place string, credentials uuid.UUID) map[string]any {
	data := map[string]any{s.blockPlace: place, s.credentials.blockKey: map[string]any{}}
	if s.folder {
		data["bucket_folder"] = "results"
	}
	if credentials != uuid.Nil {
		data[s.credentials.blockKey] = map[string]any{"$ref": map[string]any{"block_document_id": credentials}}
	}
	return data
}

// bundleStep is the call that takes a run's code there ("upload") or runs it ("execute").
func (s storageService) bundleStep(what, place, credentials string, launcher []string) map[string]any {
	args := map[string]any{s.noun: place}
	if credentials != "" {
		args[s.credentials.stepKey] = credentials
	}
	if launcher != nil {
		args["launcher"] = launcher
	} else {
		args["requires"] = s.requires
	}
	return map[string]any{s.module + ".experimental.bundles." + what: args}
}
