package api

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// NewFlowRunPolicy returns the policy of a flow run that asks for none.
func NewFlowRunPolicy() FlowRunPolicy {
	return FlowRunPolicy{PauseKeys: NullList[string]{}, Resuming: new(bool)}
}

// UnmarshalJSONFrom reads a policy with the contract's defaults for what is absent. The
// names of old clients fill the new ones.
func (p *FlowRunPolicy) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain FlowRunPolicy
	v := plain(NewFlowRunPolicy())
	if err := readPolicy(dec, &v); err != nil {
		return err
	}
	if isZero(v.Retries) && v.MaxRetries != 0 {
		v.Retries = &v.MaxRetries
	}
	if isZero(v.RetryDelay) && v.RetryDelaySeconds != 0 {
		seconds := int(v.RetryDelaySeconds)
		v.RetryDelay = &seconds
	}
	*p = FlowRunPolicy(v)
	return nil
}

// UnmarshalJSONFrom reads a policy; the names of old clients fill the new ones.
func (p *TaskRunPolicy) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain TaskRunPolicy
	var v plain
	if err := readPolicy(dec, &v); err != nil {
		return err
	}
	if isZero(v.Retries) && v.MaxRetries != 0 {
		v.Retries = &v.MaxRetries
	}
	if noDelay(v.RetryDelay) && v.RetryDelaySeconds != 0 {
		seconds, err := json.Marshal(v.RetryDelaySeconds)
		if err != nil {
			return err
		}
		v.RetryDelay = seconds
	}
	*p = TaskRunPolicy(v)
	return nil
}

// UnmarshalJSONFrom reads a proposed state. What its details leave out is not deferred,
// which null is not the same as.
func (s *StateCreate) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain StateCreate
	v := plain{StateDetails: Some(StateDetails{Deferred: new(bool)})}
	if err := json.UnmarshalDecode(dec, &v); err != nil {
		return err
	}
	*s = StateCreate(v)
	return nil
}

// readPolicy reads a policy whose names of old clients may be absent but not null.
func readPolicy(dec *jsontext.Decoder, v any) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	if bytes.Contains(raw, []byte(null)) {
		for _, name := range [...]string{"max_retries", "retry_delay_seconds"} {
			if valueBelow(raw, name).Kind() == 'n' {
				return Errorf(CodeInvalid, "%s is null", name)
			}
		}
	}
	return json.Unmarshal(raw, v, dec.Options())
}

func isZero(p *int) bool { return p == nil || *p == 0 }

func noDelay(v jsontext.Value) bool {
	switch string(v) {
	case "", "null", "0", "0.0", "[]":
		return true
	}
	return false
}
