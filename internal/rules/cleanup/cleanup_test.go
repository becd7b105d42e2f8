package cleanup

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// The answers are those of the reference's queue.
func TestOperations(t *testing.T) {
	t.Parallel()
	now := api.At(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC))
	pool, token := uuid.UUID{1}, "t"
	held := func(deliveries int, left time.Duration) *Message {
		return &Message{WorkPoolID: pool, Deliveries: deliveries, Token: &token, Until: api.At(now.Add(left))}
	}
	cases := map[string]struct {
		m     *Message
		op    Operation
		token string
		want  Result
	}{
		"nothing":             {nil, Ack, token, Result{Status: "not_found", Reason: "message_not_found"}},
		"of another pool":     {&Message{WorkPoolID: uuid.UUID{2}}, Ack, token, Result{Status: "unauthorized", Reason: "work_pool_mismatch"}},
		"nobody has it":       {&Message{WorkPoolID: pool}, Renew, token, Result{Status: "not_current", Reason: "no_active_reservation"}},
		"another has it":      {held(1, time.Second), Ack, "u", Result{Status: "invalid_token", Reason: "reservation_token_mismatch"}},
		"too late":            {held(2, 0), Ack, token, Result{Status: "expired", Reason: "lease_expired", Fate: Free}},
		"too late, too often": {held(3, 0), Renew, token, Result{Status: "dead_lettered", Reason: "max_delivery_attempts_reached", Fate: Remove}},
		"done":                {held(3, time.Second), Ack, token, Result{Status: "accepted", Fate: Remove}},
		"given back":          {held(2, time.Second), Release, token, Result{Status: "accepted", Fate: Free}},
		"given back in vain":  {held(3, time.Second), Release, token, Result{Status: "dead_lettered", Reason: "max_delivery_attempts_reached", Fate: Remove}},
	}
	for name, c := range cases {
		if got := Operate(c.m, pool, c.op, c.token, now); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	if got := Operate(held(1, time.Second), pool, Renew, token, now); got.Status != "accepted" || !got.Until.Equal(now.Add(Lease)) {
		t.Errorf("renewed: %+v", got)
	}
}
