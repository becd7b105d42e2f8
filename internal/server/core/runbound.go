package core

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// The kinds of what may belong to a flow run.
const (
	FlowRunKind    = store.FlowRunKind
	TaskRunKind    = store.TaskRunKind
	ArtifactKind   = store.ArtifactKind
	LeaseKind      = store.LeaseKind
	FlowKind       = store.FlowKind
	DeploymentKind = store.DeploymentKind
	WorkQueueKind  = store.WorkQueueKind
	WorkPoolKind   = store.WorkPoolKind
)

// Reaches says whether something belongs to the run that a caller is bound to; to one that
// is not, everything does.
func (c *Core) Reaches(ctx context.Context, who Caller, kind string, id uuid.UUID) (bool, error) {
	if who.Run == nil {
		return true, nil
	}
	return value(ctx, c, who, func(tx *store.Tx) (bool, error) { return tx.Reaches(*who.Run, kind, id) })
}

// notOfTheRun is the answer to a run that is about to touch what does not belong to it.
func notOfTheRun(what string) error {
	return api.Errorf(api.CodeForbidden, "The token of a run is good for the run itself and what it has made; this %s is neither.", strings.ReplaceAll(what, "_", " "))
}

// bound refuses a run to touch what does not belong to it.
func (w *work) bound(kind string, id uuid.UUID) error {
	if w.who.Run == nil {
		return nil
	}
	switch ok, err := w.Reaches(*w.who.Run, kind, id); {
	case err != nil:
		return err
	case !ok:
		return notOfTheRun(kind)
	}
	return nil
}

// boundOrNew is bound for task runs, of which others hear before they are stored.
func (w *work) boundOrNew(id uuid.UUID) error {
	if w.who.Run == nil {
		return nil
	}
	there, err := w.Exists(TaskRunKind, id)
	if err != nil || !there {
		return err
	}
	return w.bound(TaskRunKind, id)
}

// reach lets a run touch what it has just made.
func (w *work) reach(id uuid.UUID) error {
	if w.who.Run == nil {
		return nil
	}
	return w.Reach(*w.who.Run, id)
}

// boundLogs refuses a run to write into the log of others.
func (w *work) boundLogs(lines []api.LogCreate) error {
	if w.who.Run == nil {
		return nil
	}
	seen := map[uuid.UUID]bool{}
	for i := range lines {
		run, has := lines[i].FlowRunID.Get()
		if !has {
			return notOfTheRun("log")
		}
		if !seen[run] {
			if err := w.bound(FlowRunKind, run); err != nil {
				return err
			}
		}
		task, has := lines[i].TaskRunID.Get()
		if has && !seen[task] {
			if err := w.boundOrNew(task); err != nil {
				return err
			}
		}
		seen[run], seen[task] = true, true
	}
	return nil
}

// boundArtifact refuses a run to leave an artifact with others.
func (w *work) boundArtifact(in *api.ArtifactCreate) error {
	if w.who.Run == nil {
		return nil
	}
	run, has := in.FlowRunID.Get()
	if !has {
		return notOfTheRun(ArtifactKind)
	}
	if err := w.bound(FlowRunKind, run); err != nil {
		return err
	}
	if task, has := in.TaskRunID.Get(); has {
		return w.boundOrNew(task)
	}
	return nil
}

// boundHolder refuses a run to take slots in the name of others.
func (w *work) boundHolder(h *api.ConcurrencyLeaseHolder) error {
	if w.who.Run == nil || h == nil {
		return nil
	}
	switch h.Type {
	case FlowRunKind:
		return w.bound(FlowRunKind, h.ID)
	case TaskRunKind:
		return w.boundOrNew(h.ID)
	}
	return notOfTheRun(h.Type)
}

// The resources of events that belong to runs, by the beginnings of their ids.
var runResources = map[string]string{
	"prefect.flow-run.": FlowRunKind, "prefect.task-run.": TaskRunKind, "prefect.artifact.": ArtifactKind,
}

// sharedResources are those of the server that the program of any run may tell something of.
var sharedResources = []string{"prefect.concurrency-limit.", "prefect.block-document."}

// mayTell says whether a run may send an event: it is about the run or what it has made, or
// about something outside.
func (w *work) mayTell(e *api.ReceivedEvent) (bool, error) {
	if w.who.Run == nil {
		return true, nil
	}
	if !isOutside(e.Resource["prefect.resource.id"]) {
		return false, nil
	}
	for _, resource := range append([]api.Resource{e.Resource}, e.Related...) {
		kind, id := runResource(resource["prefect.resource.id"])
		if kind == "" {
			continue
		}
		if kind != FlowRunKind {
			there, err := w.Exists(kind, id)
			if err != nil {
				return false, err
			}
			if !there {
				continue
			}
		}
		if ok, err := w.Reaches(*w.who.Run, kind, id); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// isOutside says that a resource is no object of the server, or one that runs tell of.
func isOutside(resource string) bool {
	if kind, _ := runResource(resource); kind != "" || !strings.HasPrefix(resource, "prefect.") {
		return true
	}
	for _, shared := range sharedResources {
		if strings.HasPrefix(resource, shared) {
			return true
		}
	}
	return false
}

// runResource reads the id of a resource that belongs to a run; what only looks like one has
// the id of zeros, which belongs to nobody.
func runResource(resource string) (kind string, id uuid.UUID) {
	for prefix, kind := range runResources {
		if text, ok := strings.CutPrefix(resource, prefix); ok {
			id, _ := uuid.Parse(text) //nolint:errcheck // zeros
			return kind, id
		}
	}
	return "", uuid.UUID{}
}

// Ear decides which events the program of a run hears: those about the run and what it has
// made. It is for one socket, and not safe for concurrent use.
type Ear struct {
	core *Core
	who  Caller
	runs map[uuid.UUID]bool // that were asked about; a run is made by another once and for all
}

// Ear is what a caller hears with.
func (c *Core) Ear(who Caller) *Ear { return &Ear{core: c, who: who, runs: map[uuid.UUID]bool{}} }

// maxHeard bounds what an Ear remembers.
const maxHeard = 10_000

// Hears says whether an event is for the caller.
func (e *Ear) Hears(ctx context.Context, event *api.ReceivedEvent) (bool, error) {
	if e.who.Run == nil {
		return true, nil
	}
	kind, id := runResource(event.Resource["prefect.resource.id"])
	if kind == TaskRunKind {
		kind = ""
		for _, related := range event.Related {
			if related["prefect.resource.role"] == "flow-run" {
				kind, id = runResource(related["prefect.resource.id"])
			}
		}
	}
	if kind != FlowRunKind {
		return false, nil
	}
	if known, asked := e.runs[id]; asked {
		return known, nil
	}
	ok, err := e.core.Reaches(ctx, e.who, FlowRunKind, id)
	if err != nil {
		return false, err
	}
	if len(e.runs) >= maxHeard {
		clear(e.runs)
	}
	e.runs[id] = ok
	return ok, nil
}
