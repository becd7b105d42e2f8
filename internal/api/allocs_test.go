package api_test

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// usualRun is a flow run as most are.
func usualRun() *api.FlowRunResponse {
	now, id, name := api.At(time.UnixMicro(1_800_000_000_000_000)), uuid.UUID{1}, "Completed"
	kind := api.StateTypeCompleted
	return &api.FlowRunResponse{
		ID: id, Created: &now, Updated: &now, Name: "fearless-otter", FlowID: id, DeploymentID: &id, StartTime: &now, EndTime: &now,
		Parameters: jsontext.Value(`{"n":1}`), Context: jsontext.Value("{}"), Labels: jsontext.Value(`{"a":"b"}`), Tags: []string{"x", "y"},
		EmpiricalPolicy: api.NewFlowRunPolicy(), StateID: &id, StateType: &kind, StateName: &name,
		State: &api.State{ID: id, Type: kind, Name: &name, Timestamp: now, StateDetails: api.StateDetails{FlowRunID: &id, Deferred: new(bool)}},
	}
}

// Lists have two hundred of them, so nothing may be allocated for each.
func TestARunIsWrittenWithoutAllocations(t *testing.T) { //nolint:paralleltest // counts what is allocated meanwhile
	run, buffer := usualRun(), make([]byte, 0, 8<<10)
	if n := testing.AllocsPerRun(100, func() { buffer = run.AppendJSON(buffer[:0]) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAppendFlowRun(b *testing.B) {
	run, buffer := usualRun(), make([]byte, 0, 8<<10)
	b.ReportAllocs()
	for b.Loop() {
		buffer = run.AppendJSON(buffer[:0])
	}
}
