package rest

import (
	"net/http"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var blockTypeRoutes = []route{
	{api.OpCreateBlockType, "manage_blocks", medium, createBlockType},
	{api.OpReadBlockTypeByID, "see_blocks", small, readBlockType},
	{api.OpReadBlockTypeBySlug, "see_blocks", small, readBlockTypeBySlug},
	{api.OpReadBlockTypes, "see_blocks", small, readBlockTypes},
	{api.OpUpdateBlockType, "manage_blocks", medium, updateBlockType},
	{api.OpDeleteBlockType, "manage_blocks", small, deleteBlockType},
	{api.OpInstallSystemBlockTypes, "manage_blocks", small, installSystemBlocks},
	{api.OpCreateBlockSchema, "manage_blocks", medium, createBlockSchema},
	{api.OpReadBlockSchemaByID, "see_blocks", small, readBlockSchema},
	{api.OpReadBlockSchemaByChecksum, "see_blocks", small, readBlockSchemaByChecksum},
	{api.OpReadBlockSchemas, "see_blocks", small, readBlockSchemas},
	{api.OpDeleteBlockSchema, "manage_blocks", small, deleteBlockSchema},
	{api.OpReadAvailableBlockCapabilities, "see_blocks", small, readBlockCapabilities},
}

func createBlockType(c *core.Core, r *request) (answer, error) {
	var in api.BlockTypeCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	t, err := c.CreateBlockType(r.Context(), r.who, &in)
	return give(http.StatusCreated, t, err)
}

func readBlockType(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	t, err := c.BlockType(r.Context(), r.who, id)
	return give(http.StatusOK, t, err)
}

func readBlockTypeBySlug(c *core.Core, r *request) (answer, error) {
	t, err := c.BlockTypeBySlug(r.Context(), r.who, r.PathValue("slug"))
	return give(http.StatusOK, t, err)
}

func readBlockTypes(c *core.Core, r *request) (answer, error) {
	var in api.ReadBlockTypesRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	list, err := c.BlockTypes(r.Context(), r.who, in.BlockTypes, in.BlockSchemas, limit, in.Offset.Or(0))
	return give(http.StatusOK, list, err)
}

func updateBlockType(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.BlockTypeUpdate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return none(c.UpdateBlockType(r.Context(), r.who, id, &in))
}

func deleteBlockType(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	return none(c.DeleteBlockType(r.Context(), r.who, id))
}

func installSystemBlocks(c *core.Core, r *request) (answer, error) {
	return give(http.StatusOK, nil, c.InstallSystemBlocks(r.Context(), r.who))
}

func createBlockSchema(c *core.Core, r *request) (answer, error) {
	var in api.BlockSchemaCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	s, isNew, err := c.CreateBlockSchema(r.Context(), r.who, &in)
	return give(madeOrFound(isNew), s, err)
}

func readBlockSchema(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	s, err := c.BlockSchema(r.Context(), r.who, id)
	return give(http.StatusOK, s, err)
}

func readBlockSchemaByChecksum(c *core.Core, r *request) (answer, error) {
	var version *string
	if query := r.URL.Query(); query.Has("version") {
		v := query.Get("version")
		version = &v
	}
	s, err := c.BlockSchemaByChecksum(r.Context(), r.who, r.PathValue("checksum"), version)
	return give(http.StatusOK, s, err)
}

func readBlockSchemas(c *core.Core, r *request) (answer, error) {
	var in api.ReadBlockSchemasRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	list, err := c.BlockSchemas(r.Context(), r.who, in.BlockSchemas, limit, in.Offset.Or(0))
	return give(http.StatusOK, list, err)
}

func deleteBlockSchema(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	return none(c.DeleteBlockSchema(r.Context(), r.who, id))
}

func readBlockCapabilities(c *core.Core, r *request) (answer, error) {
	list, err := c.BlockCapabilities(r.Context(), r.who)
	return give(http.StatusOK, list, err)
}
