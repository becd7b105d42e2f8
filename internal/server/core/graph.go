package core

import (
	"context"
	"errors"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// The most that one graph shows.
const (
	mostNodes     = 10_000
	mostArtifacts = 10_000
)

// Graph returns what ran in a flow run and what depended on what, without the nodes that
// ended before since.
func (c *Core) Graph(ctx context.Context, who Caller, id uuid.UUID, since api.Time) (*api.Graph, error) {
	g := &graph{}
	err := c.read(ctx, who, func(tx *store.Tx) error { return g.read(tx, id) })
	if errors.Is(err, store.ErrNoRows) {
		return nil, exception(api.CodeNotFound, "Flow run "+id.String()+" not found")
	}
	if err != nil {
		return nil, err
	}
	return g.answer(id, since)
}

// graph is what a graph is made of.
type graph struct {
	start, end *api.Time
	states     []api.State
	runs       []store.GraphRun
	artifacts  map[uuid.UUID][]api.GraphArtifact // by task run; of none under the zero id
}

func (g *graph) read(tx *store.Tx, id uuid.UUID) (err error) {
	if g.start, g.end, err = tx.FlowRunSpan(id); err != nil {
		return err
	}
	if g.states, err = tx.FlowRunStates(id); err != nil {
		return err
	}
	if g.runs, err = tx.GraphRuns(id); err != nil {
		return err
	}
	artifacts, err := tx.GraphArtifacts(id, mostArtifacts)
	g.artifacts = map[uuid.UUID][]api.GraphArtifact{}
	for _, a := range artifacts {
		var by uuid.UUID
		if a.TaskRunID != nil {
			by = *a.TaskRunID
		}
		g.artifacts[by] = append(g.artifacts[by], a.GraphArtifact)
	}
	return err
}

func (g *graph) answer(id uuid.UUID, since api.Time) (*api.Graph, error) {
	nodes, err := g.nodes()
	if err != nil {
		return nil, err
	}
	nodes = slices.DeleteFunc(nodes, func(n *api.Node) bool { return n.EndTime != nil && n.EndTime.Before(since.Time) })
	if len(nodes) > mostNodes {
		return nil, api.Errorf(api.CodeMalformed, "The graph of flow run %s has more than %d nodes.", id, mostNodes)
	}
	out := &api.Graph{
		StartTime: g.start, EndTime: g.end, RootNodeIDs: []uuid.UUID{}, Nodes: [][]jsontext.Value{},
		Artifacts: g.artifactsOf(uuid.UUID{}), States: make([]api.GraphState, len(g.states)),
	}
	for i := range g.states {
		s := &g.states[i]
		out.States[i] = api.GraphState{ID: s.ID, Timestamp: s.Timestamp, Type: s.Type, Name: stateName(s)}
	}
	for _, n := range nodes {
		if len(n.Parents) == 0 {
			out.RootNodeIDs = append(out.RootNodeIDs, n.ID)
		}
		pair, err := pairOf(n)
		if err != nil {
			return nil, err
		}
		out.Nodes = append(out.Nodes, pair)
	}
	return out, nil
}

func pairOf(n *api.Node) ([]jsontext.Value, error) {
	id, err := json.Marshal(n.ID)
	if err != nil {
		return nil, err
	}
	node, err := json.Marshal(n)
	return []jsontext.Value{id, node}, err
}

// nodes makes the nodes and draws the edges between them.
func (g *graph) nodes() ([]*api.Node, error) {
	nodes, byID := []*api.Node{}, map[uuid.UUID]*api.Node{}
	for i := range g.runs {
		if n := g.node(&g.runs[i]); byID[n.ID] == nil {
			nodes, byID[n.ID] = append(nodes, n), n
		}
	}
	for i := range g.runs {
		if err := connect(byID, nodeID(&g.runs[i]), g.runs[i].Inputs); err != nil {
			return nil, err
		}
	}
	return nodes, nil
}

func nodeID(r *store.GraphRun) uuid.UUID {
	if r.Subflow != nil {
		return *r.Subflow
	}
	return r.TaskRunID
}

func (g *graph) node(r *store.GraphRun) *api.Node {
	n := &api.Node{
		Kind: "task-run", ID: nodeID(r), Label: r.Label, StartTime: *r.Start, EndTime: r.End,
		Parents: []api.Edge{}, Children: []api.Edge{}, Encapsulating: []api.Edge{}, Artifacts: g.artifactsOf(r.TaskRunID),
	}
	if r.Subflow != nil {
		n.Kind = "flow-run"
	}
	if r.StateType != nil {
		n.StateType = *r.StateType
	}
	return n
}

// artifactsOf lists the artifacts that a task run made, or with the zero id no task run.
func (g *graph) artifactsOf(taskRun uuid.UUID) []api.GraphArtifact {
	return append([]api.GraphArtifact{}, g.artifacts[taskRun]...)
}

// enclosing is the input that names the runs around a run.
const enclosing = "__parents__"

// connect draws the edges of a node from the inputs of its task run. Inputs that are no
// node of the graph draw none.
func connect(byID map[uuid.UUID]*api.Node, id uuid.UUID, inputs jsontext.Value) error {
	named, err := upstreamOf(inputs)
	if err != nil {
		return err
	}
	node := byID[id]
	for _, in := range named {
		other := byID[in.id]
		switch {
		case other == nil:
		case in.name != enclosing:
			node.Parents = append(node.Parents, api.Edge{ID: in.id})
			other.Children = append(other.Children, api.Edge{ID: id})
		case !slices.Contains(node.Encapsulating, api.Edge{ID: in.id}):
			node.Encapsulating = append(node.Encapsulating, api.Edge{ID: in.id})
		}
	}
	return nil
}

// upstream is a run that something of it went into, by the name of the input.
type upstream struct {
	name string
	id   uuid.UUID
	kind string
}

// upstreamOf lists the runs among task_inputs, in the order in which they stand there.
func upstreamOf(inputs jsontext.Value) (list []upstream, err error) {
	if inputs.Kind() != '{' {
		return nil, nil
	}
	var failed error
	err = members(inputs, func(name string, v jsontext.Value) {
		var items []struct {
			Kind string     `json:"input_type"`
			ID   *uuid.UUID `json:"id"`
		}
		if err := json.Unmarshal(v, &items); err != nil {
			failed = err
		}
		for _, item := range items {
			if item.ID != nil {
				list = append(list, upstream{name, *item.ID, item.Kind})
			}
		}
	})
	return list, errors.Join(err, failed)
}
