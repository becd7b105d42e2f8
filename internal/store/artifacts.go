package store

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

const artifactColumns = `
select artifact.id, artifact.created, artifact.updated, artifact.key, artifact.type, artifact.description,
	artifact.data, artifact.metadata_, artifact.flow_run_id, artifact.task_run_id
from artifact
`

func scanArtifact(row *Row) (a api.Artifact, err error) {
	var metadata jsontext.Value
	err = row.Scan(&a.ID, &a.Created, &a.Updated, &a.Key, &a.Type, &a.Description, &a.Data, &metadata, &a.FlowRunID, &a.TaskRunID)
	if err == nil && len(metadata) > 0 {
		err = json.Unmarshal(metadata, &a.Metadata)
	}
	return a, err
}

const collectionColumns = `
select artifact_collection.id, artifact_collection.created, artifact_collection.updated, artifact_collection.key,
	artifact_collection.latest_id, artifact_collection.type, artifact_collection.description, artifact_collection.data,
	artifact_collection.metadata_, artifact_collection.flow_run_id, artifact_collection.task_run_id
from artifact_collection
`

func scanCollection(row *Row) (a api.ArtifactCollection, err error) {
	var metadata jsontext.Value
	err = row.Scan(&a.ID, &a.Created, &a.Updated, &a.Key, &a.LatestID, &a.Type, &a.Description, &a.Data, &metadata, &a.FlowRunID, &a.TaskRunID)
	if err == nil && len(metadata) > 0 {
		err = json.Unmarshal(metadata, &a.Metadata)
	}
	return a, err
}

// Artifact returns an artifact by its id.
func (tx *Tx) Artifact(id uuid.UUID) (*api.Artifact, error) {
	return one(tx, artifactColumns+`
		where artifact.workspace_id = ?
		and artifact.id = ?`, []any{tx.workspace, id}, scanArtifact)
}

// NewestArtifact returns the artifact of a key that was created last.
func (tx *Tx) NewestArtifact(key string) (*api.Artifact, error) {
	return one(tx, artifactColumns+`
		where artifact.workspace_id = ?
		and artifact.key = ?
		order by artifact.created desc, artifact.id desc
		limit 1`, []any{tx.workspace, key}, scanArtifact)
}

// ArtifactCollection returns what is known of the artifacts of a key: their latest.
func (tx *Tx) ArtifactCollection(key string) (*api.ArtifactCollection, error) {
	return one(tx, collectionColumns+`
		where artifact_collection.workspace_id = ?
		and artifact_collection.key = ?`, []any{tx.workspace, key}, scanCollection)
}

// Artifacts lists artifacts.
func (tx *Tx) Artifacts(artifacts *api.ArtifactFilter, f Filters, sort api.ArtifactSort, limit, offset int) ([]api.Artifact, error) {
	where, page := tx.whereArtifacts(artifacts, f), page(limit, offset)
	return many(tx, artifactColumns+"where "+where.sql+"\norder by "+artifactOrder(sort)+page.sql, append(where.args, page.args...), scanArtifact)
}

// CountArtifacts counts what Artifacts lists without a limit.
func (tx *Tx) CountArtifacts(artifacts *api.ArtifactFilter, f Filters) (int, error) {
	return tx.count("artifact", tx.whereArtifacts(artifacts, f))
}

// ArtifactCollections lists the latest artifacts.
func (tx *Tx) ArtifactCollections(collections *api.ArtifactCollectionFilter, f Filters, sort api.ArtifactCollectionSort, limit, offset int) ([]api.ArtifactCollection, error) {
	where, page := tx.whereArtifactCollections(collections, f), page(limit, offset)
	return many(tx, collectionColumns+"where "+where.sql+"\norder by "+artifactCollectionOrder(sort)+page.sql, append(where.args, page.args...), scanCollection)
}

// CountArtifactCollections counts what ArtifactCollections lists without a limit.
func (tx *Tx) CountArtifactCollections(collections *api.ArtifactCollectionFilter, f Filters) (int, error) {
	return tx.count("artifact_collection", tx.whereArtifactCollections(collections, f))
}

// ArtifactsOfRuns lists the artifacts of flow runs and of task runs within a time.
func (tx *Tx) ArtifactsOfRuns(flowRuns, taskRuns []uuid.UUID, since, until *api.Time, oldestFirst bool, limit int) ([]api.Artifact, error) {
	where := is("artifact.workspace_id = ?", tx.workspace)
	var of []condition
	if len(flowRuns) > 0 {
		of = append(of, oneOf("artifact.flow_run_id", flowRuns))
	}
	if len(taskRuns) > 0 {
		of = append(of, oneOf("artifact.task_run_id", taskRuns))
	}
	where = all(where, either(of...))
	if since != nil {
		where = all(where, is("artifact.created >= ?", *since))
	}
	if until != nil {
		where = all(where, is("artifact.created <= ?", *until))
	}
	order := down("artifact.created", "artifact.id")
	if oldestFirst {
		order = up("artifact.created", "artifact.id")
	}
	return many(tx, artifactColumns+"where "+where.sql+"\norder by "+order+"\nlimit ?", append(where.args, limit), scanArtifact)
}

// InsertArtifact adds an artifact. It does not touch the collection of its key.
func (tx *Tx) InsertArtifact(a *api.Artifact) error {
	metadata, err := json.Marshal(a.Metadata)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`
		insert into artifact (workspace_id, id, created, updated, key, type, description, data, metadata_, flow_run_id, task_run_id)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		tx.workspace, a.ID, a.Created, a.Updated, a.Key, a.Type, a.Description, a.Data, jsontext.Value(metadata), a.FlowRunID, a.TaskRunID)
	return err
}

// PointCollection makes a the latest of its key, making the collection when there is
// none, and says whether it did; id is that of a new collection.
func (tx *Tx) PointCollection(a *api.Artifact, id uuid.UUID, now api.Time) (isNew bool, err error) {
	metadata, err := json.Marshal(a.Metadata)
	if err != nil {
		return false, err
	}
	var was uuid.UUID
	err = tx.QueryRow(`
		insert into artifact_collection (workspace_id, id, created, updated, key, latest_id, type, description, data, metadata_, flow_run_id, task_run_id)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		on conflict (workspace_id, key) do update
		set updated = excluded.updated,
			latest_id = excluded.latest_id,
			type = excluded.type,
			description = excluded.description,
			data = excluded.data,
			metadata_ = excluded.metadata_,
			flow_run_id = excluded.flow_run_id,
			task_run_id = excluded.task_run_id
		returning id`,
		[]any{tx.workspace, id, now, now, *a.Key, a.ID, a.Type, a.Description, a.Data, jsontext.Value(metadata), a.FlowRunID, a.TaskRunID}, &was)
	return was == id, err
}

// UpdateArtifact writes columns of an artifact and, where it is the latest, of its collection.
func (tx *Tx) UpdateArtifact(id uuid.UUID, sets ...Set) error {
	if err := known(tx.setRow("artifact", id, sets)); err != nil || len(sets) == 0 {
		return err
	}
	collections, err := many(tx, `
		select id
		from artifact_collection
		where workspace_id = ?
		and latest_id = ?`, []any{tx.workspace, id}, scanID)
	for i := 0; err == nil && i < len(collections); i++ {
		_, err = tx.setRow("artifact_collection", collections[i], sets)
	}
	return err
}

// DeleteArtifact removes an artifact. It does not touch the collection of its key.
func (tx *Tx) DeleteArtifact(id uuid.UUID) error { return known(tx.deleteRow("artifact", id)) }

// DeleteArtifactCollection removes what is known of a key.
func (tx *Tx) DeleteArtifactCollection(id uuid.UUID) error {
	return known(tx.deleteRow("artifact_collection", id))
}
