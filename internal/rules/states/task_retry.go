package states

import (
	"time"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
)

// retryFailedTask schedules the next attempt of a failed task run, unless the client
// says that it can't help.
var retryFailedTask = rule{
	name: "retry failed task", from: running, to: failed,
	before: func(t *transition) {
		policy := &t.run.TaskPolicy
		retries := taskRetries(policy)
		retriable := t.proposed.StateDetails.Retriable
		if retriable != nil && !*retriable || retries == nil || t.run.RunCount > *retries {
			return
		}
		delay := taskRetryDelay(policy, t.run.RunCount)
		if factor := policy.RetryJitterFactor; factor != nil && *factor > 0 {
			delay = scatter(delay, float64(*factor), t.in.Draw.Random)
		}
		t.rejectWith(t.retryAfter(delay), "Retrying")
	},
}

// taskRetries returns how often a failed task run may run again.
func taskRetries(p *api.TaskRunPolicy) *int {
	if (p.Retries == nil || *p.Retries == 0) && p.MaxRetries != 0 {
		return &p.MaxRetries
	}
	return p.Retries
}

// taskRetryDelay returns the wait before the attempt after the given one: retry_delay is
// a number of seconds, or a list of which the last counts for all further attempts.
func taskRetryDelay(p *api.TaskRunPolicy, attempt int) time.Duration {
	seconds := float64(p.RetryDelaySeconds)
	switch p.RetryDelay.Kind() {
	case '0':
		if one := number(p.RetryDelay); one != 0 {
			seconds = one
		}
	case '[':
		var list []float64
		if err := json.Unmarshal(p.RetryDelay, &list); err == nil && len(list) > 0 {
			seconds = list[min(max(attempt-1, 0), len(list)-1)]
		}
	}
	return time.Duration(seconds * float64(time.Second))
}

func number(value []byte) float64 {
	var n float64
	if err := json.Unmarshal(value, &n); err != nil {
		return 0
	}
	return n
}
