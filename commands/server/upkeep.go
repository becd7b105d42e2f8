package server

import (
	"strconv"
	"strings"
	"time"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/profile"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/services"
)

// The services that a setting can switch off, by the names they have in it.
var optional = [...]string{
	"scheduler", "late_runs", "pause_expirations", "foreman", "cancellation_cleanup", "repossessor", "heartbeats", "triggers",
}

// servicesOf is what the settings say about the services.
func servicesOf(settings *profile.Settings) services.Options {
	o := services.Options{Vacuum: seconds(serviceSetting(settings, "db_vacuum", "loop_seconds").Float())}
	for _, name := range optional {
		if !serviceSetting(settings, name, "enabled").Bool() {
			o.Without = append(o.Without, strings.ReplaceAll(name, "_", "-"))
		}
	}
	return o
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// serviceSetting finds a setting of a service, which is usher's own or the reference's.
func serviceSetting(settings *profile.Settings, service, what string) profile.Value {
	setting, _ := profile.Find("USHER_SERVER_SERVICES_" + strings.ToUpper(service+"_"+what))
	return settings.Value(setting.Name())
}

// upkeepOf is what the settings say about how runs are looked after.
func upkeepOf(settings *profile.Settings) (core.Upkeep, error) {
	retention, err := retentionOf(settings)
	return core.Upkeep{
		HeartbeatEvery:   seconds(settings.Value("PREFECT_FLOWS_HEARTBEAT_FREQUENCY").Float()),
		MissedHeartbeats: serviceSetting(settings, "heartbeats", "missed").Int(),
		LateAfter:        serviceSetting(settings, "late_runs", "after_seconds").Duration(),
		CancellingFor:    seconds(serviceSetting(settings, "cancellation_cleanup", "cancelling_timeout_seconds").Float()),
		Ahead: core.Ahead{
			MinRuns: serviceSetting(settings, "scheduler", "min_runs").Int(), MaxRuns: serviceSetting(settings, "scheduler", "max_runs").Int(),
			MinTime: serviceSetting(settings, "scheduler", "min_scheduled_time").Duration(), MaxTime: serviceSetting(settings, "scheduler", "max_scheduled_time").Duration(),
		},
		Presence: core.Presence{
			MissedBeats: serviceSetting(settings, "foreman", "inactivity_heartbeat_multiple").Int(),
			Beat:        seconds(serviceSetting(settings, "foreman", "fallback_heartbeat_interval_seconds").Float()),
			Deployment:  seconds(serviceSetting(settings, "foreman", "deployment_last_polled_timeout_seconds").Float()),
			Queue:       seconds(serviceSetting(settings, "foreman", "work_queue_last_polled_timeout_seconds").Float()),
		},
		Retention: retention,
	}, err
}

// retentionOf is for how long the settings let things be kept. Unless somebody says
// otherwise, everything has its time; the reference removes events only.
func retentionOf(settings *profile.Settings) (core.Retention, error) {
	enabled := serviceSetting(settings, "db_vacuum", "enabled")
	kinds := enabled.List()
	switch {
	case enabled.Source == profile.FromDefault, strings.EqualFold(enabled.Text, "true"):
		kinds = []string{"events", "flow_runs", "logs"}
	case strings.EqualFold(enabled.Text, "false"): // as the reference reads it
		kinds = []string{"events"}
	}
	keep := core.Retention{Batch: serviceSetting(settings, "db_vacuum", "batch_size").Int()}
	for _, kind := range kinds {
		switch kind {
		case "events":
			keep.Events = settings.Value("PREFECT_SERVER_EVENTS_RETENTION_PERIOD").Duration()
			keep.Named = namedRetention(serviceSetting(settings, "db_vacuum", "event_retention_overrides").Map())
		case "flow_runs":
			keep.FlowRuns = serviceSetting(settings, "db_vacuum", "retention_period").Duration()
		case "logs":
			keep.Logs = settings.Value("USHER_SERVER_LOGS_RETENTION_PERIOD").Duration()
		default:
			return keep, cli.Usagef("PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED: %q is none of events, flow_runs, logs", kind)
		}
	}
	return keep, nil
}

// namedRetention reads durations in seconds by the names of events.
func namedRetention(texts map[string]string) map[string]time.Duration {
	named := map[string]time.Duration{}
	for name, text := range texts {
		if n, err := strconv.ParseFloat(text, 64); err == nil && n > 0 {
			named[name] = seconds(n)
		}
	}
	return named
}
