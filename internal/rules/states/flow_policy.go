package states

import (
	"slices"

	"github.com/usherhq/usher/internal/api"
)

// The edits of a flow run's empirical_policy. They replace values and never write
// through the Input's pointers.

// forgetPauses makes every pause of the flow able to fire again.
func (t *transition) forgetPauses() {
	t.setResuming(false)
	t.run.FlowPolicy.PauseKeys = []string{}
}

func (t *transition) addPauseKey(key string) {
	keys := t.run.FlowPolicy.PauseKeys
	if !slices.Contains(keys, key) {
		t.run.FlowPolicy.PauseKeys = append(slices.Clone(keys), key)
	}
}

func (t *transition) setResuming(resuming bool) { t.run.FlowPolicy.Resuming = &resuming }

// setRetryType notes who runs the next attempt; "" clears the note.
func (t *transition) setRetryType(retryType string) {
	t.run.FlowPolicy.RetryType = nil
	if retryType != "" {
		t.run.FlowPolicy.RetryType = &retryType
	}
}

func isResuming(p *api.FlowRunPolicy) bool { return p.Resuming != nil && *p.Resuming }

func samePolicy(a, b *api.FlowRunPolicy) bool {
	return isResuming(a) == isResuming(b) && slices.Equal(a.PauseKeys, b.PauseKeys) &&
		(a.RetryType == b.RetryType || a.RetryType != nil && b.RetryType != nil && *a.RetryType == *b.RetryType)
}

// flowRetries returns how often a failed flow may run again, and after how many seconds.
// The fields of old clients count when the new ones are unset.
func flowRetries(p *api.FlowRunPolicy) (retries *int, delaySeconds int) {
	retries = p.Retries
	if (retries == nil || *retries == 0) && p.MaxRetries != 0 {
		retries = &p.MaxRetries
	}
	if p.RetryDelay != nil && *p.RetryDelay != 0 {
		return retries, *p.RetryDelay
	}
	return retries, int(p.RetryDelaySeconds)
}

// RetriesInProcess says that the process of a run makes its next attempt itself: nobody
// else may start it.
func RetriesInProcess(p *api.FlowRunPolicy) bool {
	return p.RetryType != nil && *p.RetryType == retryInProcess
}
