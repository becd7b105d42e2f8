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
	if _, err := readPolicy(dec, &v); err != nil {
		return err
	}
	if isZero(v.Retries) && v.MaxRetries != 0 {
		v.Retries = &v.MaxRetries
	}
	if isZero(v.RetryDelay) && v.RetryDelaySeconds != 0 {
		seconds := int(v.RetryDelaySeconds)
		if Float(seconds) != v.RetryDelaySeconds {
			return Errorf(CodeInvalid, "retry_delay is a whole number of seconds")
		}
		v.RetryDelay = &seconds
	}
	*p = FlowRunPolicy(v)
	return nil
}

// UnmarshalJSONFrom reads a policy; the names of old clients fill the new ones.
func (p *TaskRunPolicy) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain TaskRunPolicy
	var v plain
	raw, err := readPolicy(dec, &v)
	if err != nil {
		return err
	}
	if isZero(v.Retries) && v.MaxRetries != 0 {
		v.Retries = &v.MaxRetries
	}
	if noDelay(v.RetryDelay) && v.RetryDelaySeconds != 0 {
		v.RetryDelay = bytes.Clone(valueBelow(raw, "retry_delay_seconds"))
	}
	if !isDelay(v.RetryDelay) || delayProblem(v.RetryDelay) != "" || v.RetryJitterFactor != nil && *v.RetryJitterFactor < 0 {
		return Errorf(CodeInvalid, "retry_delay or retry_jitter_factor is out of bounds")
	}
	*p = TaskRunPolicy(v)
	return nil
}

// isDelay says that a value is a number, a list of numbers or nothing.
func isDelay(v jsontext.Value) bool {
	switch v.Kind() {
	case 0, 'n', '0':
		return true
	case '[':
		var list []float64
		return json.Unmarshal(v, &list) == nil && !bytes.Contains(v, []byte(null))
	}
	return false
}

// delayProblem says what is wrong with the delays between the tries of a task, "" when
// nothing is.
func delayProblem(v jsontext.Value) string {
	if v.Kind() == '[' && bytes.Count(v, []byte(",")) >= maxDelays {
		return "Can not configure more than 50 retry delays per task."
	}
	return ""
}

// maxDelays is how many delays the tries of a task may have.
const maxDelays = 50

// jitterProblem says what is wrong with a factor of jitter, "" when nothing is.
func jitterProblem(v jsontext.Value) string {
	if v.Kind() == '0' && v[0] == '-' && !isNumberZero(v) {
		return "`retry_jitter_factor` must be >= 0."
	}
	return ""
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

// readPolicy reads a policy whose names of old clients may be absent but not null, and
// gives its text, which holds until more is read.
func readPolicy(dec *jsontext.Decoder, v any) (jsontext.Value, error) {
	raw, err := dec.ReadValue()
	if err != nil {
		return nil, err
	}
	if bytes.Contains(raw, []byte(null)) {
		for _, name := range [...]string{"max_retries", "retry_delay_seconds"} {
			if valueBelow(raw, name).Kind() == 'n' {
				return nil, Errorf(CodeInvalid, "%s is null", name)
			}
		}
	}
	return raw, json.Unmarshal(raw, v, dec.Options())
}

func isZero(p *int) bool { return p == nil || *p == 0 }

func noDelay(v jsontext.Value) bool {
	switch string(v) {
	case "", "null", "0", "0.0", "[]":
		return true
	}
	return false
}
