package core

import (
	"context"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

const noArtifact = "Artifact not found."

// maxMetadata is how many characters of a metadata value are kept.
const maxMetadata = 500

// CreateArtifact adds an artifact and, if it has a key, makes it the latest of that key.
func (c *Core) CreateArtifact(ctx context.Context, who Caller, in *api.ArtifactCreate) (a *api.Artifact, err error) {
	if key, ok := in.Key.Get(); ok && !isArtifactKey(key) {
		return nil, invalid("key", "Artifact key must only contain lowercase letters, numbers, and dashes.")
	}
	err = c.write(ctx, who, func(w *work) error {
		if err := w.boundArtifact(in); err != nil {
			return err
		}
		a = &api.Artifact{
			ID: newID(), Created: &w.now, Updated: &w.now, Key: in.Key.Ptr(), Type: in.Type.Ptr(), Description: in.Description.Ptr(),
			Data: in.Data.Or(nil), Metadata: cut(in.Metadata.Or(nil)), FlowRunID: in.FlowRunID.Ptr(), TaskRunID: in.TaskRunID.Ptr(),
		}
		if err := w.InsertArtifact(a); err != nil || a.Key == nil {
			return err
		}
		isNew, err := w.PointCollection(a, newID(), w.now)
		if err != nil {
			return err
		}
		return w.emitCollection(madeOrUpdated(isNew), a)
	})
	return a, err
}

func madeOrUpdated(isNew bool) string {
	if isNew {
		return "created"
	}
	return "updated"
}

func isArtifactKey(key string) bool {
	for _, r := range key {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return true
}

// cut shortens values of metadata, which are labels and no place for data.
func cut(metadata map[string]string) map[string]string {
	for k, v := range metadata {
		if runes := []rune(v); len(runes) > maxMetadata {
			metadata[k] = string(runes[:maxMetadata]) + "..."
		}
	}
	return metadata
}

// emitCollection tells of a change to the latest artifact of a key, which is a.
func (w *work) emitCollection(what string, a *api.Artifact) error {
	collection, err := w.ArtifactCollection(*a.Key)
	if err != nil {
		return err
	}
	return w.emitCollectionOf(what, collection)
}

func (w *work) emitCollectionOf(what string, a *api.ArtifactCollection) (err error) {
	related := []map[string]string{resource("artifact", a.LatestID, "", "prefect.resource.role", "latest")}
	if a.FlowRunID != nil {
		related = append(related, resource("flow-run", *a.FlowRunID, "", "prefect.resource.role", "flow-run"))
	}
	if a.TaskRunID != nil {
		related = append(related, resource("task-run", *a.TaskRunID, "", "prefect.resource.role", "task-run"))
	}
	e := w.about("prefect.artifact-collection."+what, resource("artifact-collection", a.ID, a.Key), related...)
	e.Payload, err = json.Marshal(struct {
		Key         string         `json:"key"`
		Type        *string        `json:"type"`
		Data        jsontext.Value `json:"data"`
		Description *string        `json:"description"`
	}{a.Key, a.Type, a.Data, a.Description})
	if err != nil {
		return err
	}
	return w.emit(e)
}

// Artifact returns an artifact.
func (c *Core) Artifact(ctx context.Context, who Caller, id uuid.UUID) (*api.Artifact, error) {
	return foundOr(noArtifact, func() (*api.Artifact, error) {
		return value(ctx, c, who, func(tx *store.Tx) (*api.Artifact, error) { return tx.Artifact(id) })
	})
}

// LatestArtifact returns the latest artifact of a key; its id is that of the collection.
func (c *Core) LatestArtifact(ctx context.Context, who Caller, key string) (*api.Artifact, error) {
	return foundOr(noArtifact, func() (*api.Artifact, error) {
		a, err := value(ctx, c, who, func(tx *store.Tx) (*api.ArtifactCollection, error) { return tx.ArtifactCollection(key) })
		if err != nil {
			return nil, err
		}
		return &api.Artifact{
			ID: a.ID, Created: a.Created, Updated: a.Updated, Key: &a.Key, Type: a.Type, Description: a.Description,
			Data: a.Data, Metadata: a.Metadata, FlowRunID: a.FlowRunID, TaskRunID: a.TaskRunID,
		}, nil
	})
}

// Artifacts lists artifacts.
func (c *Core) Artifacts(ctx context.Context, who Caller, a *api.ArtifactFilter, f Filters, sort api.ArtifactSort, limit, offset int) ([]api.Artifact, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.Artifact, error) { return tx.Artifacts(a, f, sort, limit, offset) })
}

// CountArtifacts counts artifacts.
func (c *Core) CountArtifacts(ctx context.Context, who Caller, a *api.ArtifactFilter, f Filters) (int, error) {
	return value(ctx, c, who, func(tx *store.Tx) (int, error) { return tx.CountArtifacts(a, f) })
}

// LatestArtifacts lists the latest artifact of each key.
func (c *Core) LatestArtifacts(ctx context.Context, who Caller, a *api.ArtifactCollectionFilter, f Filters, sort api.ArtifactCollectionSort, limit, offset int) ([]api.ArtifactCollection, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.ArtifactCollection, error) {
		return tx.ArtifactCollections(a, f, sort, limit, offset)
	})
}

// CountLatestArtifacts counts keys.
func (c *Core) CountLatestArtifacts(ctx context.Context, who Caller, a *api.ArtifactCollectionFilter, f Filters) (int, error) {
	return value(ctx, c, who, func(tx *store.Tx) (int, error) { return tx.CountArtifactCollections(a, f) })
}

// UpdateArtifact changes what the request has.
func (c *Core) UpdateArtifact(ctx context.Context, who Caller, id uuid.UUID, in *api.ArtifactUpdate) error {
	return c.changeArtifact(ctx, who, id, func(w *work, a *api.Artifact) error {
		var ch changes
		patch(&ch, "data", in.Data)
		patch(&ch, "description", in.Description)
		if in.Metadata.IsSet() {
			metadata, err := json.Marshal(api.NullMap[string](cut(in.Metadata.Or(nil))))
			if err != nil {
				return err
			}
			ch.set("metadata_", jsontext.Value(metadata))
		}
		if len(ch.sets) == 0 {
			return nil
		}
		ch.set("updated", w.now)
		return w.Tx.UpdateArtifact(a.ID, ch.sets...)
	})
}

// DeleteArtifact removes an artifact.
func (c *Core) DeleteArtifact(ctx context.Context, who Caller, id uuid.UUID) error {
	return c.changeArtifact(ctx, who, id, (*work).removeArtifact)
}

// removeArtifact removes an artifact. If it was the latest of its key, the one before
// takes its place.
func (w *work) removeArtifact(a *api.Artifact) error {
	if err := w.DeleteArtifact(a.ID); err != nil || a.Key == nil {
		return err
	}
	collection, err := maybe(w.ArtifactCollection(*a.Key))
	if err != nil || collection == nil || collection.LatestID != a.ID {
		return err
	}
	before, err := maybe(w.NewestArtifact(*a.Key))
	if err != nil {
		return err
	}
	if before == nil {
		if err := w.DeleteArtifactCollection(collection.ID); err != nil {
			return err
		}
		return w.emitCollectionOf("deleted", collection)
	}
	if _, err := w.PointCollection(before, collection.ID, w.now); err != nil {
		return err
	}
	return w.emitCollection("updated", before)
}

func (c *Core) changeArtifact(ctx context.Context, who Caller, id uuid.UUID, change func(*work, *api.Artifact) error) error {
	_, err := foundOr(noArtifact, func() (struct{}, error) {
		return struct{}{}, c.write(ctx, who, func(w *work) error {
			a, err := w.Tx.Artifact(id)
			if err != nil {
				return err
			}
			return change(w, a)
		})
	})
	return err
}
