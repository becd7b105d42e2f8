package store

import (
	"bytes"

	"github.com/go-json-experiment/json"
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
