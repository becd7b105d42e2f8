package core

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// resource names an object in an event. labels are further names and values.
func resource(kind string, id uuid.UUID, name string, labels ...string) map[string]string {
	r := map[string]string{"prefect.resource.id": "prefect." + kind + "." + id.String()}
	if name != "" {
		r["prefect.resource.name"] = name
	}
	for i := 0; i+1 < len(labels); i += 2 {
		r[labels[i]] = labels[i+1]
	}
	return r
}

// about is an event that is happening now.
func (w *work) about(name string, about map[string]string, related ...map[string]string) api.ReceivedEvent {
	return api.ReceivedEvent{ID: newID(), Occurred: w.now, Event: name, Resource: about, Related: related}
}

// kebab is a status as event names spell it.
func kebab[T ~string](status T) string {
	return strings.ToLower(strings.ReplaceAll(string(status), "_", "-"))
}

func poolResource(p *api.WorkPoolResponse, labels ...string) map[string]string {
	return resource("work-pool", p.ID, p.Name, append(labels, "prefect.work-pool.type", p.Type)...)
}

func (w *work) emitPool(what string, p *api.WorkPoolResponse, payload jsontext.Value) error {
	e := w.about("prefect.work-pool."+what, poolResource(p, "prefect.resource.role", "work-pool"))
	e.Payload = payload
	if what != "updated" && p.DefaultQueueID != nil {
		e.Related = append(e.Related, resource("work-queue", *p.DefaultQueueID, "", "prefect.resource.role", "default-queue"))
	}
	if block := p.StorageConfiguration.DefaultResultStorageBlockID; what != "updated" && block != nil {
		e.Related = append(e.Related, resource("block-document", *block, "", "prefect.resource.role", "result-storage"))
	}
	return w.emit(e)
}

func (w *work) emitQueue(what string, q *api.WorkQueueResponse, p *api.WorkPoolResponse, payload jsontext.Value) error {
	e := w.about("prefect.work-queue."+what,
		resource("work-queue", q.ID, q.Name, "prefect.resource.role", "work-queue"),
		poolResource(p, "prefect.resource.role", "work-pool"))
	e.Payload = payload
	return w.emit(e)
}

// tightly is how soon a status event must come after another one to follow it.
const tightly = 10 * time.Minute

// setPoolStatus moves a work pool to a status and tells of it.
func (w *work) setPoolStatus(p *api.WorkPoolResponse, status api.WorkPoolStatus) error {
	last, at, err := w.LastPoolStatus(p.ID)
	if err != nil {
		return err
	}
	e := w.about("prefect.work-pool."+kebab(status), poolResource(p))
	if at != nil && w.now.Sub(at.Time) < tightly {
		e.Follows = last
	}
	p.Status, p.Updated = &status, &w.now
	err = w.SetWorkPool(p.ID, store.Set{Column: "status", Value: status}, store.Set{Column: "updated", Value: w.now},
		store.Set{Column: "last_status_event_id", Value: e.ID}, store.Set{Column: "last_transitioned_status_at", Value: w.now})
	if err != nil {
		return err
	}
	return w.emit(e)
}
