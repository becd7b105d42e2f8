package rest

import (
	"net/http"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var savedSearchRoutes = []route{
	{api.OpCreateSavedSearch, "manage_saved_search", small, saveSearch},
	{api.OpReadSavedSearch, "see_flows", small, readSavedSearch},
	{api.OpReadSavedSearches, "see_flows", small, readSavedSearches},
	{api.OpDeleteSavedSearch, "manage_saved_search", small, deleteSavedSearch},
}

func saveSearch(c *core.Core, r *request) (answer, error) {
	var in api.SavedSearchCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	saved, isNew, err := c.SaveSearch(r.Context(), r.who, &in)
	return give(madeOrFound(isNew), saved, err)
}

func readSavedSearch(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	saved, err := c.SavedSearch(r.Context(), r.who, id)
	return give(http.StatusOK, saved, err)
}

func readSavedSearches(c *core.Core, r *request) (answer, error) {
	var in api.ReadSavedSearchesRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	list, err := c.SavedSearches(r.Context(), r.who, limit, in.Offset.Or(0))
	return give(http.StatusOK, list, err)
}

func deleteSavedSearch(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	return none(c.DeleteSavedSearch(r.Context(), r.who, id))
}
