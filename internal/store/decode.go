package store

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// Lists read these columns in every row, and most rows hold the same few texts. Those
// are told by sight; all others are parsed.

// usualPolicy is the policy of a run that asked for none.
const usualPolicy = `{"max_retries":0,"retry_delay_seconds":0.0,"retries":null,"retry_delay":null,"pause_keys":[],"resuming":false,"retry_type":null}`

func decodePolicy(text []byte) (p api.FlowRunPolicy, err error) {
	if string(text) == usualPolicy {
		return api.NewFlowRunPolicy(), nil
	}
	return p, json.Unmarshal(text, &p)
}

// The details of most states name the run and nothing else.
var (
	usualDetails    = []byte(`{"flow_run_id":"`)
	usualDetailsEnd = []byte(`","deferred":false}`)
)

func encodeDetails(d *api.StateDetails) (jsontext.Value, error) {
	if isUsual(d) {
		return append(append(append(make(jsontext.Value, 0, len(usualDetails)+36+len(usualDetailsEnd)), usualDetails...), d.FlowRunID.String()...), usualDetailsEnd...), nil
	}
	text, err := json.Marshal(d, json.OmitZeroStructFields(true))
	return jsontext.Value(text), err
}

// isUsual tells details of the run and nothing else.
func isUsual(d *api.StateDetails) bool {
	return d.FlowRunID != nil && d.Deferred != nil && !*d.Deferred &&
		d.TaskRunID == nil && d.ChildFlowRunID == nil && d.ScheduledTime == nil && d.CacheKey == nil && d.CacheExpiration == nil && !d.UntrackableResult &&
		d.PauseTimeout == nil && !d.PauseReschedule && d.PauseKey == nil && d.RunInputKeyset == nil && d.RefreshCache == nil && d.Retriable == nil &&
		d.TransitionID == nil && d.TaskParametersID == nil && d.Traceparent == nil && d.DeploymentConcurrencyLeaseID == nil
}

func decodeDetails(text []byte) (d api.StateDetails, err error) {
	id, named := bytes.CutPrefix(text, usualDetails)
	id, usual := bytes.CutSuffix(id, usualDetailsEnd)
	if named && usual && len(id) == 36 {
		run, err := uuid.ParseBytes(id)
		d.FlowRunID, d.Deferred = &run, new(bool)
		return d, err
	}
	return d, json.Unmarshal(text, &d)
}
