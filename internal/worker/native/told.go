package native

import (
	"context"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/rules/nativeflow"
	"github.com/usherhq/usher/internal/worker/report"
)

// What an attempt's program told of its end, kept in files so that a worker that takes over
// knows it.
const (
	failureFile = "failure.json"
	valueFile   = "told-result.json"
)

// heed does what the line at a place of the program's output tells.
func (x *execution) heed(ctx context.Context, told nativeflow.Told, place string) {
	var err error
	switch told := told.(type) {
	case nativeflow.TaskEvent:
		x.tasks.tell(ctx, told, place)
	case nativeflow.Artifact:
		x.keep(ctx, told.Create)
	case nativeflow.Value:
		err = os.WriteFile(filepath.Join(x.tasks.dir, valueFile), told, 0o600)
	case nativeflow.Failure:
		var data []byte
		if data, err = json.Marshal(told); err == nil {
			err = os.WriteFile(filepath.Join(x.tasks.dir, failureFile), data, 0o600)
		}
	}
	if err != nil {
		x.say(report.Warning, "What the program told of its end was not kept: "+err.Error())
	}
}

// failure is why the attempt's program says that it failed, nil if it does not say.
func (x *execution) failure() *nativeflow.Failure {
	data, err := os.ReadFile(filepath.Join(x.tasks.dir, failureFile))
	if err != nil {
		return nil
	}
	var f nativeflow.Failure
	if json.Unmarshal(data, &f) != nil {
		return nil // the worker died while it wrote it down
	}
	return &f
}
