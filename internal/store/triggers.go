package store

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/trigger"
)

// Buckets returns those of the given places that have a bucket; others may be among them.
func (tx *Tx) Buckets(places []trigger.Place) (map[trigger.Place]*trigger.Bucket, error) {
	triggers, keys := []uuid.UUID{}, []string{}
	for _, p := range places {
		triggers, keys = append(triggers, p.Trigger), append(keys, p.Key)
	}
	return tx.buckets(all(oneOf("trigger_id", unique(triggers)), oneOf("bucketing_key", unique(keys))))
}

// BucketsInTurn returns the buckets of a proactive trigger that time may change: those
// that are over, those that hold as many events as were expected, and the one without
// for_each labels.
func (tx *Tx) BucketsInTurn(id uuid.UUID, now api.Time, threshold int) (map[trigger.Place]*trigger.Bucket, error) {
	return tx.buckets(is("trigger_id = ?\nand (window_end <= ? or events >= ? or bucketing_key = '[]')", id, now, threshold))
}

func (tx *Tx) buckets(where condition) (map[trigger.Place]*trigger.Bucket, error) {
	out := map[trigger.Place]*trigger.Bucket{}
	where = all(tx.own("automation_bucket"), where)
	err := tx.Query("select trigger_id, bucketing_key, window_start, window_end, events, last_event\nfrom automation_bucket\nwhere "+where.sql, where.args,
		func(row *Row) error {
			var at trigger.Place
			b, start, end, last := trigger.Bucket{}, api.Time{}, api.Time{}, jsontext.Value{}
			if err := row.Scan(&at.Trigger, &at.Key, &start, &end, &b.Count, &last); err != nil {
				return err
			}
			b.Start, b.End = start.Time, end.Time
			out[at] = &b
			if last == nil {
				return nil
			}
			b.Last = &api.ReceivedEvent{}
			return json.Unmarshal(last, b.Last)
		})
	return out, err
}

// SaveBucket writes the bucket of a trigger of an automation; nil removes it.
func (tx *Tx) SaveBucket(automation uuid.UUID, at trigger.Place, b *trigger.Bucket) error {
	if b == nil {
		_, err := tx.Exec("delete from automation_bucket\nwhere workspace_id = ?\nand trigger_id = ?\nand bucketing_key = ?", tx.workspace, at.Trigger, at.Key)
		return err
	}
	var last jsontext.Value
	if b.Last != nil {
		text, err := json.Marshal(b.Last)
		if err != nil {
			return err
		}
		last = text
	}
	_, err := tx.Exec(`
		insert into automation_bucket (workspace_id, trigger_id, bucketing_key, automation_id, window_start, window_end, events, last_event)
		values (?, ?, ?, ?, ?, ?, ?, ?)
		on conflict (workspace_id, trigger_id, bucketing_key) do update
		set window_start = excluded.window_start, window_end = excluded.window_end, events = excluded.events, last_event = excluded.last_event`,
		tx.workspace, at.Trigger, at.Key, automation, api.At(b.Start), api.At(b.End), b.Count, last)
	return err
}

// SweepBuckets removes the buckets whose windows were over before a time.
func (tx *Tx) SweepBuckets(before api.Time) error {
	_, err := tx.Exec("delete from automation_bucket\nwhere workspace_id = ?\nand window_end <= ?", tx.workspace, before)
	return err
}

// HasBucketBefore says whether SweepBuckets would find any.
func (tx *Tx) HasBucketBefore(before api.Time) (bool, error) {
	var n int
	err := tx.QueryRow("select count(*)\nfrom (select 1 from automation_bucket where workspace_id = ? and window_end <= ? limit 1) as over_now", []any{tx.workspace, before}, &n)
	return n > 0, err
}

// FirstBucketEnd is when the next of a trigger's windows is over, nil when there is none.
func (tx *Tx) FirstBucketEnd(id uuid.UUID, behind api.Time) (*api.Time, error) {
	var first *api.Time
	err := tx.QueryRow("select min(window_end)\nfrom automation_bucket\nwhere workspace_id = ?\nand trigger_id = ?\nand window_end > ?",
		[]any{tx.workspace, id, behind}, &first)
	return first, err
}

// ChildFirings returns the firings that the compounds and sequences of automations hold,
// the oldest first, by the id of what holds them.
func (tx *Tx) ChildFirings(automations []uuid.UUID) (map[uuid.UUID][]*trigger.Firing, error) {
	out := map[uuid.UUID][]*trigger.Firing{}
	where := all(tx.own("automation_child_firing"), oneOf("automation_id", automations))
	err := tx.Query("select parent_trigger_id, child_trigger_id, firing\nfrom automation_child_firing\nwhere "+where.sql+"\norder by fired", where.args,
		func(row *Row) error {
			var parent uuid.UUID
			var text jsontext.Value
			f := &trigger.Firing{}
			if err := row.Scan(&parent, &f.By, &text); err != nil {
				return err
			}
			out[parent] = append(out[parent], f)
			return json.Unmarshal(text, f)
		})
	return out, err
}

// SaveChildFirings replaces the firings that a compound or sequence holds.
func (tx *Tx) SaveChildFirings(automation, parent uuid.UUID, firings []*trigger.Firing) error {
	if _, err := tx.Exec("delete from automation_child_firing\nwhere workspace_id = ?\nand parent_trigger_id = ?", tx.workspace, parent); err != nil {
		return err
	}
	for _, f := range firings {
		text, err := json.Marshal(f)
		if err != nil {
			return err
		}
		_, err = tx.Exec(`
			insert into automation_child_firing (workspace_id, parent_trigger_id, child_trigger_id, automation_id, fired, firing)
			values (?, ?, ?, ?, ?, ?)`, tx.workspace, parent, f.By, automation, f.Triggered, jsontext.Value(text))
		if err != nil {
			return err
		}
	}
	return nil
}

// StartTurns makes a proactive trigger have its first turn now, unless it has turns.
func (tx *Tx) StartTurns(automation, id uuid.UUID, now api.Time) error {
	_, err := tx.Exec(`
		insert into automation_turn (workspace_id, trigger_id, automation_id, due)
		values (?, ?, ?, ?)
		on conflict do nothing`, tx.workspace, id, automation, now)
	return err
}

// Turns says when each proactive trigger has its next turn.
func (tx *Tx) Turns() (map[uuid.UUID]api.Time, error) {
	out := map[uuid.UUID]api.Time{}
	err := tx.Query("select trigger_id, due\nfrom automation_turn\nwhere workspace_id = ?", []any{tx.workspace}, func(row *Row) error {
		var id uuid.UUID
		var due api.Time
		err := row.Scan(&id, &due)
		out[id] = due
		return err
	})
	return out, err
}

// SetTurn says when a proactive trigger has its next turn.
func (tx *Tx) SetTurn(id uuid.UUID, due api.Time) error {
	_, err := tx.Exec("update automation_turn\nset due = ?\nwhere workspace_id = ?\nand trigger_id = ?", due, tx.workspace, id)
	return err
}

// ForgetTriggers removes what the triggers of an automation remember.
func (tx *Tx) ForgetTriggers(automation uuid.UUID) error {
	for _, table := range []string{"automation_bucket", "automation_child_firing", "automation_turn"} {
		if _, err := tx.Exec("delete from "+table+"\nwhere workspace_id = ?\nand automation_id = ?", tx.workspace, automation); err != nil {
			return err
		}
	}
	return nil
}

// EnabledAutomations says when each automation was changed last that is switched on.
func (tx *Tx) EnabledAutomations() (map[uuid.UUID]api.Time, error) { return tx.enabled(always, "") }

// LockAutomations is EnabledAutomations for some, which it keeps from being changed.
func (tx *Tx) LockAutomations(ids []uuid.UUID) (map[uuid.UUID]api.Time, error) {
	return tx.enabled(oneOf("id", ids), tx.D().ForUpdate())
}

func (tx *Tx) enabled(which condition, lock string) (map[uuid.UUID]api.Time, error) {
	out := map[uuid.UUID]api.Time{}
	where := all(tx.own("automation"), is("enabled = ?", true), which)
	err := tx.Query("select id, updated\nfrom automation\nwhere "+where.sql+lock, where.args, func(row *Row) error {
		var id uuid.UUID
		var updated api.Time
		err := row.Scan(&id, &updated)
		out[id] = updated
		return err
	})
	return out, err
}

// AutomationsByID returns some automations.
func (tx *Tx) AutomationsByID(ids []uuid.UUID) ([]api.Automation, error) {
	where := all(tx.own("automation"), oneOf("automation.id", ids))
	return many(tx, automationColumns+"where "+where.sql, where.args, scanAutomation)
}
