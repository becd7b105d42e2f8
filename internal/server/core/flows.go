package core

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// CreateFlow returns the flow of the name, making it when there is none. A flow that
// exists comes back unchanged.
func (c *Core) CreateFlow(ctx context.Context, who Caller, in *api.FlowCreate) (flow *api.Flow, isNew bool, err error) {
	// Most flows exist: every run of a script asks for its flow.
	flow, err = value(ctx, c, who, func(tx *store.Tx) (*api.Flow, error) { return tx.FlowByName(in.Name) })
	if !errors.Is(err, store.ErrNoRows) {
		return flow, false, err
	}
	err = c.write(ctx, who, func(w *work) error {
		flow = &api.Flow{ID: newID(), Created: &w.now, Updated: &w.now, Name: in.Name, Tags: in.Tags.Or([]string{}), Labels: unlessNull(in.Labels), CreatedBy: w.who.By}
		if isNew, err = w.InsertFlow(flow); err != nil {
			return err
		}
		if isNew {
			return w.emitFlow("created", flow)
		}
		flow, err = w.FlowByName(in.Name)
		return err
	})
	return flow, isNew, err
}

// unlessNull is an object of a request: an absent one is empty, null stays null.
func unlessNull(object api.Opt[jsontext.Value]) jsontext.Value {
	if object.IsNull() {
		return nil
	}
	return api.Object(object.Or(nil))
}

// emitFlow tells of something that happened to a flow.
func (w *work) emitFlow(what string, flow *api.Flow) (err error) {
	e := w.about("prefect.flow."+what, resource("flow", flow.ID, flow.Name))
	e.Payload, err = json.Marshal(struct {
		Name   string         `json:"name"`
		Tags   []string       `json:"tags"`
		Labels jsontext.Value `json:"labels"`
	}{flow.Name, flow.Tags, api.Object(flow.Labels)})
	if err != nil {
		return err
	}
	return w.emit(e)
}

// Flow returns a flow by its id.
func (c *Core) Flow(ctx context.Context, who Caller, id uuid.UUID) (*api.Flow, error) {
	return found("Flow", func() (*api.Flow, error) {
		return value(ctx, c, who, func(tx *store.Tx) (*api.Flow, error) { return tx.Flow(id) })
	})
}

// FlowByName returns a flow by its name.
func (c *Core) FlowByName(ctx context.Context, who Caller, name string) (*api.Flow, error) {
	return found("Flow", func() (*api.Flow, error) {
		return value(ctx, c, who, func(tx *store.Tx) (*api.Flow, error) { return tx.FlowByName(name) })
	})
}

// Flows lists flows.
func (c *Core) Flows(ctx context.Context, who Caller, f Filters, sort api.FlowSort, limit, offset int) ([]api.Flow, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.Flow, error) { return tx.Flows(f, sort, limit, offset) })
}

// CountFlows counts flows.
func (c *Core) CountFlows(ctx context.Context, who Caller, f Filters) (int, error) {
	return value(ctx, c, who, func(tx *store.Tx) (int, error) { return tx.CountFlows(f) })
}

// UpdateFlow changes the tags of a flow. As from the reference, who asks for no change hears
// of one.
func (c *Core) UpdateFlow(ctx context.Context, who Caller, id uuid.UUID, in *api.FlowUpdate) error {
	_, err := found("Flow", func() (*api.Flow, error) {
		var flow *api.Flow
		return flow, c.write(ctx, who, func(w *work) (err error) {
			if flow, err = w.Flow(id); err != nil {
				return err
			}
			if in.Tags.IsSet() {
				flow.Tags = in.Tags.Or([]string{})
			}
			ch := &changes{}
			ch.set("tags", flow.Tags)
			ch.set("updated", w.now)
			if err := w.sign(ch); err != nil {
				return err
			}
			if err := w.UpdateFlow(id, ch.sets...); err != nil {
				return err
			}
			return w.emitFlow("updated", flow)
		})
	})
	return err
}

// DeleteFlow removes a flow with its deployments and runs.
func (c *Core) DeleteFlow(ctx context.Context, who Caller, id uuid.UUID) error {
	if err := c.inParts(ctx, who, func(w *work) (int64, error) { return w.DeleteFlowRunsOf(id, deletedAtOnce) }); err != nil {
		return err
	}
	return missing("Flow", c.write(ctx, who, func(w *work) error { return w.deleteFlow(id) }))
}

// DeleteFlows removes up to limit flows with their deployments and runs.
func (c *Core) DeleteFlows(ctx context.Context, who Caller, f Filters, limit int) ([]uuid.UUID, error) {
	ids, err := value(ctx, c, who, func(tx *store.Tx) ([]uuid.UUID, error) { return tx.FlowIDs(f, limit) })
	if err != nil {
		return nil, err
	}
	return deleteEach(ids, func(id uuid.UUID) error { return c.DeleteFlow(ctx, who, id) })
}

func (w *work) deleteFlow(id uuid.UUID) error {
	flow, err := w.Flow(id)
	if err != nil {
		return err
	}
	if err := w.Tx.DeleteFlow(id); err != nil {
		return err
	}
	return w.emitFlow("deleted", flow)
}

// FlowNames returns the names of some flows by their ids.
func (c *Core) FlowNames(ctx context.Context, who Caller, flows map[uuid.UUID]bool) (map[uuid.UUID]string, error) {
	return value(ctx, c, who, func(tx *store.Tx) (map[uuid.UUID]string, error) {
		return tx.FlowNames(slices.Collect(maps.Keys(flows)))
	})
}
