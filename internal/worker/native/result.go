package native

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/nativeflow"
	"github.com/usherhq/usher/internal/worker/report"
)

// maxResult bounds what is kept of a program's result.
const maxResult = 64 << 10

// result is what the program left where its manifest says, else what a line told.
func (x *execution) result(lastLine string) ([]byte, error) {
	switch x.Manifest.Result {
	case nativeflow.ResultStdout:
		return []byte(lastLine), nil
	case nativeflow.ResultFile:
		if data, err := os.ReadFile(filepath.Join(x.tasks.dir, resultFile)); !errors.Is(err, fs.ErrNotExist) {
			return data, err
		}
	}
	data, err := os.ReadFile(filepath.Join(x.tasks.dir, valueFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// saveResult keeps the program's result as an artifact of the run.
func (x *execution) saveResult(ctx context.Context, lastLine string) error {
	data, err := x.result(lastLine)
	if err != nil || len(data) == 0 {
		return err
	}
	if len(data) > maxResult {
		return api.Errorf(api.CodeInvalid, "it is %d bytes long; at most %d are kept", len(data), maxResult)
	}
	value := jsontext.Value(data)
	if !value.IsValid() {
		return api.Errorf(api.CodeInvalid, "it is not JSON")
	}
	_, err = x.Client.CreateArtifact(ctx, &api.ArtifactCreate{
		Type: api.Some("result"), Data: api.Some(value), FlowRunID: api.Some(x.Run.ID),
	})
	return err
}

// keep keeps an artifact that the program told. A worker that takes the run over right after
// may keep it again.
func (x *execution) keep(ctx context.Context, a api.ArtifactCreate) {
	a.FlowRunID = api.Some(x.Run.ID)
	err := report.Persist(ctx, func() error {
		_, err := x.Client.CreateArtifact(ctx, &a)
		return err
	})
	if err != nil && ctx.Err() == nil {
		x.say(report.Warning, "An artifact was not kept: "+err.Error())
	}
}
