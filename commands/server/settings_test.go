package server

import (
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
)

// TestAPIShowsTheSettings looks up settings of several types in what the API tells.
func TestAPIShowsTheSettings(t *testing.T) {
	t.Parallel()
	raw, err := settings(t,
		"PREFECT_SERVER_API_AUTH_STRING=admin:secret", "PREFECT_SERVER_API_PORT=4300", "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS=90",
		"PREFECT_SERVER_UI_ENABLED=false", "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED=events,logs",
	).ServerTree(api.DefaultSettings())
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Server struct {
			API struct {
				AuthString string `json:"auth_string"`
				Host       string `json:"host"`
				Port       int    `json:"port"`
			} `json:"api"`
			UI struct {
				Enabled bool `json:"enabled"`
			} `json:"ui"`
			Services struct {
				LateRuns struct {
					AfterSeconds string `json:"after_seconds"`
				} `json:"late_runs"`
				Vacuum struct {
					Enabled []string `json:"enabled"`
				} `json:"db_vacuum"`
			} `json:"services"`
		} `json:"server"`
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	s := got.Server
	if s.API.AuthString != "********" || s.API.Host != "127.0.0.1" || s.API.Port != 4300 || s.UI.Enabled || s.Services.LateRuns.AfterSeconds != "PT90S" || len(s.Services.Vacuum.Enabled) != 2 {
		t.Errorf("the API tells %+v", s)
	}
}

// TestFlagsCountMoreThanSettings switches services off on the command line.
func TestFlagsCountMoreThanSettings(t *testing.T) {
	t.Parallel()
	cmd := newStartCmd(&cli.Env{})
	cli.AddTwins(cmd)
	if err := cmd.ParseFlags([]string{"--no-scheduler", "--late-runs", "--no-ui"}); err != nil {
		t.Fatal(err)
	}
	s := settings(t, "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED=false", "PREFECT_SERVER_SERVICES_FOREMAN_ENABLED=false")
	(&startOptions{}).switches(cmd.Flags(), s)
	if got := servicesOf(s).Without; !slices.Equal(got, []string{"scheduler", "foreman"}) {
		t.Errorf("switched off are %q", got)
	}
	if s.Value("PREFECT_SERVER_UI_ENABLED").Bool() {
		t.Error("--no-ui leaves the interface on")
	}
}

// TestDatabaseByItsParts is named the way that the reference's settings have it.
func TestDatabaseByItsParts(t *testing.T) {
	t.Parallel()
	s := settings(t, "PREFECT_SERVER_DATABASE_DRIVER=postgresql+asyncpg", "PREFECT_SERVER_DATABASE_HOST=db.example", "PREFECT_SERVER_DATABASE_USER=u",
		"PREFECT_SERVER_DATABASE_NAME=n", "PREFECT_SERVER_DATABASE_PASSWORD=p/w", "PREFECT_SERVER_DATABASE_SQLALCHEMY_POOL_SIZE=7", "PREFECT_SERVER_DATABASE_TIMEOUT=2.5")
	url, err := databaseURL("", s)
	if err != nil || url != "postgres://u:p%2Fw@db.example:5432/n" {
		t.Errorf("it is %q %v", url, err)
	}
	if c := databaseOf(&cli.Env{}, url, s); c.Readers != 17 || c.Statement != 2500*time.Millisecond || c.Wait != time.Minute {
		t.Errorf("it is used as %+v", c)
	}
	if _, err := databaseURL("", settings(t, "PREFECT_SERVER_DATABASE_DRIVER=postgresql+asyncpg", "PREFECT_SERVER_DATABASE_HOST=db.example")); err == nil {
		t.Error("half of a database is taken")
	}
}
