package states

import "time"

// retryFailedFlow schedules the next attempt of a failed flow. The process that runs the
// flow waits and starts it itself: retry_type keeps workers away.
var retryFailedFlow = rule{
	name: "retry failed flow", from: running, to: failed,
	before: func(t *transition) {
		retries, delay := flowRetries(&t.run.FlowPolicy)
		if retries == nil || t.run.RunCount > *retries {
			t.setRetryType("")
			return
		}
		t.forgetPauses()
		t.setRetryType(retryInProcess)
		t.rejectWith(t.retryAfter(time.Duration(delay)*time.Second), "Retrying")
	},
}
