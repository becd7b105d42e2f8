package core

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
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
