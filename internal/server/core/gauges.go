package core

import (
	"context"

	"github.com/usherhq/usher/internal/server/meter"
	"github.com/usherhq/usher/internal/store"
)

// Gauges are what is looked up when somebody asks how the server is doing.
func (c *Core) Gauges(ctx context.Context, who Caller) ([]meter.Gauge, error) {
	runs, err := value(ctx, c, who, (*store.Tx).FlowRunsByState)
	if err != nil {
		return nil, err
	}
	byState := map[string]float64{}
	for state, n := range runs {
		byState[string(state)] = float64(n)
	}
	return []meter.Gauge{
		{Name: "usher_flow_runs", Help: "Flow runs by the type of their state.", Label: "state", Values: byState},
		{Name: "usher_database_writers", Help: "Callers that write to the database or wait to.", Values: map[string]float64{"": float64(c.Store.Writers())}},
	}, nil
}
