package server

import (
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
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
