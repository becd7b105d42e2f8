package server

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/profile"
	"github.com/usherhq/usher/internal/server/bus"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/services"
)

const day = 24 * time.Hour

func settings(t *testing.T, environ ...string) *profile.Settings {
	t.Helper()
	home := t.TempDir()
	s, err := profile.Load(profile.Where{Environ: append(environ, "USHER_HOME="+home), Dir: home, UserHome: home})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatIsKept(t *testing.T) {
	t.Parallel()
	const vacuum = "PREFECT_SERVER_SERVICES_DB_VACUUM_"
	named := map[string]time.Duration{"prefect.flow-run.heartbeat": 7 * day}
	cases := map[string]struct {
		environ []string
		want    core.Retention
	}{
		"usually":           {nil, core.Retention{FlowRuns: 90 * day, Logs: 90 * day, Events: 7 * day, Named: named, Batch: 200}},
		"as the reference":  {[]string{vacuum + "ENABLED=events"}, core.Retention{Events: 7 * day, Named: named, Batch: 200}},
		"false":             {[]string{vacuum + "ENABLED=false"}, core.Retention{Events: 7 * day, Named: named, Batch: 200}},
		"runs for an hour":  {[]string{vacuum + "ENABLED=flow_runs", vacuum + "RETENTION_PERIOD=3600", vacuum + "BATCH_SIZE=7"}, core.Retention{FlowRuns: time.Hour, Batch: 7}},
		"logs for a day":    {[]string{vacuum + "ENABLED=logs", "USHER_SERVER_LOGS_RETENTION_PERIOD=P1D"}, core.Retention{Logs: day, Batch: 200}},
		"events for a day":  {[]string{vacuum + "ENABLED=events", "PREFECT_SERVER_EVENTS_RETENTION_PERIOD=86400", vacuum + `EVENT_RETENTION_OVERRIDES={"a": 60}`}, core.Retention{Events: day, Named: map[string]time.Duration{"a": time.Minute}, Batch: 200}},
		"true is all of it": {[]string{vacuum + "ENABLED=true"}, core.Retention{FlowRuns: 90 * day, Logs: 90 * day, Events: 7 * day, Named: named, Batch: 200}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := retentionOf(settings(t, c.environ...))
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
	if _, err := retentionOf(settings(t, vacuum+"ENABLED=runs")); err == nil || !strings.Contains(err.Error(), "none of events, flow_runs, logs") {
		t.Errorf("an unknown kind: %v", err)
	}
}

func TestServicesAreSwitchedOff(t *testing.T) {
	t.Parallel()
	if got := servicesOf(settings(t)); len(got.Without) != 0 || got.Vacuum != time.Hour {
		t.Errorf("usually: %+v", got)
	}
	got := servicesOf(settings(t, "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED=false", "PREFECT_API_SERVICES_SCHEDULER_ENABLED=0", "USHER_SERVER_SERVICES_HEARTBEATS_ENABLED=no", "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED=false"))
	if want := []string{"scheduler", "late-runs", "heartbeats", "triggers"}; !slices.Equal(got.Without, want) {
		t.Errorf("off are %q, want %q", got.Without, want)
	}
	c := &core.Core{Bus: &bus.Bus{}}
	all := len(services.All(c, slog.Default(), services.Options{}))
	if on := len(services.All(c, slog.Default(), got)); on != all-4 {
		t.Errorf("of %d services %d are on", all, on)
	}
}

func TestHowRunsAreLookedAfter(t *testing.T) {
	t.Parallel()
	const of = "PREFECT_SERVER_SERVICES_"
	usual := core.Upkeep{
		CancellingFor: 5 * time.Minute,
		Ahead:         core.Ahead{MinRuns: 3, MaxRuns: 100, MinTime: time.Hour, MaxTime: 100 * day},
		Presence:      core.Presence{MissedBeats: 3, Beat: 30 * time.Second, Deployment: time.Minute, Queue: time.Minute},
	}
	changed := core.Upkeep{
		CancellingFor: 90 * time.Second,
		Ahead:         core.Ahead{MinRuns: 1, MaxRuns: 7, MinTime: time.Minute, MaxTime: 2 * day},
		Presence:      core.Presence{MissedBeats: 5, Beat: 10 * time.Second, Deployment: 2 * time.Minute, Queue: 3 * time.Minute},
	}
	for name, c := range map[string]struct {
		environ []string
		want    core.Upkeep
	}{
		"usually": {nil, usual},
		"changed": {[]string{
			of + "CANCELLATION_CLEANUP_CANCELLING_TIMEOUT_SECONDS=90", of + "SCHEDULER_MIN_RUNS=1", of + "SCHEDULER_MAX_RUNS=7",
			of + "SCHEDULER_MIN_SCHEDULED_TIME=60", of + "SCHEDULER_MAX_SCHEDULED_TIME=P2D", of + "FOREMAN_INACTIVITY_HEARTBEAT_MULTIPLE=5",
			of + "FOREMAN_FALLBACK_HEARTBEAT_INTERVAL_SECONDS=10", of + "FOREMAN_DEPLOYMENT_LAST_POLLED_TIMEOUT_SECONDS=120",
			of + "FOREMAN_WORK_QUEUE_LAST_POLLED_TIMEOUT_SECONDS=180",
		}, changed},
	} {
		got, err := upkeepOf(settings(t, c.environ...))
		got = core.Upkeep{CancellingFor: got.CancellingFor, Ahead: got.Ahead, Presence: got.Presence}
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}
