package api_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/usherhq/usher/internal/api"
)

func TestAppendJSONWritesTheBytesOfMarshal(t *testing.T) {
	t.Parallel()
	for _, sample := range []api.Appender{
		&api.Artifact{}, &api.ArtifactCollection{}, &api.BlockDocument{}, &api.ConcurrencyLimitV2{}, &api.DeploymentResponse{}, &api.Flow{},
		&api.FlowRunResponse{}, &api.FlowRunPaginationResponse{}, &api.Graph{}, &api.HistoryResponse{}, &api.Log{}, &api.OrchestrationResult{},
		&api.ReceivedEvent{}, &api.State{}, &api.TaskRun{}, &api.UITaskRun{}, &api.Variable{}, &api.WorkPoolResponse{}, &api.WorkQueueResponse{},
		&api.WorkerFlowRunResponse{}, &api.WorkerResponse{},
	} {
		t.Run(reflect.TypeOf(sample).Elem().Name(), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(r *rapid.T) {
				v := reflect.New(reflect.TypeOf(sample).Elem())
				fill(r, v.Elem(), 0)
				want, err := json.Marshal(v.Interface(), json.Deterministic(true))
				if err != nil {
					r.Fatal(err)
				}
				got := v.Interface().(api.Appender).AppendJSON(nil)
				if diff := cmp.Diff(string(want), string(got)); diff != "" {
					r.Fatal(diff)
				}
			})
		})
	}
}

// fill gives v random content: every kind of value that answers hold.
func fill(r *rapid.T, v reflect.Value, depth int) {
	switch v.Interface().(type) {
	case api.Time:
		v.Set(reflect.ValueOf(api.At(time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(r, "time")))))
		return
	case uuid.UUID:
		v.Set(reflect.ValueOf(uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(r, "id"))))
		return
	case jsontext.Value:
		v.Set(reflect.ValueOf(jsontext.Value(rapid.SampledFrom([]string{`null`, `{"b":1,"a":[1.0]}`, `"x"`, `[]`}).Draw(r, "json"))))
		return
	}
	fillKind(r, v, depth)
}

func fillKind(r *rapid.T, v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if tag := v.Type().Field(i).Tag.Get("json"); tag != ",embed" && tag != "-" { // what is forbidden is written by nobody
				fill(r, v.Field(i), depth+1)
			}
		}
	case reflect.Pointer:
		if depth < 6 && rapid.Bool().Draw(r, "set") {
			v.Set(reflect.New(v.Type().Elem()))
			fill(r, v.Elem(), depth+1)
		}
	case reflect.Slice:
		if depth < 6 && rapid.Bool().Draw(r, "set") {
			v.Set(reflect.MakeSlice(v.Type(), rapid.IntRange(0, 2).Draw(r, "length"), 2))
			for i := range v.Len() {
				fill(r, v.Index(i), depth+1)
			}
		}
	case reflect.Map:
		if v.Type().Elem().Kind() == reflect.String && rapid.Bool().Draw(r, "set") {
			v.Set(reflect.MakeMap(v.Type()))
			v.SetMapIndex(reflect.ValueOf(rapid.String().Draw(r, "key")), reflect.ValueOf("v").Convert(v.Type().Elem()))
		}
	case reflect.String:
		v.SetString(rapid.String().Draw(r, "text"))
	case reflect.Int:
		v.SetInt(rapid.Int64().Draw(r, "int"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(r, "bool"))
	case reflect.Float64:
		v.SetFloat(rapid.Float64Range(-1e6, 1e6).Draw(r, "float"))
	}
}
