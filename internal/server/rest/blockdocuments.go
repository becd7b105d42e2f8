package rest

import (
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/identity"
)

var blockDocumentRoutes = []route{
	{api.OpCreateBlockDocument, "manage_blocks", medium, createBlockDocument},
	{api.OpCreateOrUpdateBlockDocument, "manage_blocks", medium, putBlockDocument},
	{api.OpReadBlockDocumentByID, "see_blocks", small, readBlockDocument},
	{api.OpReadBlockDocumentByNameForBlockType, "see_blocks", small, readBlockDocumentByName},
	{api.OpReadBlockDocumentsForBlockType, "see_blocks", small, readBlockDocumentsOfType},
	{api.OpReadBlockDocuments, "see_blocks", small, readBlockDocuments},
	{api.OpCountBlockDocuments, "see_blocks", small, countBlockDocuments},
	{api.OpUpdateBlockDocumentData, "manage_blocks", medium, updateBlockDocument},
	{api.OpDeleteBlockDocument, "manage_blocks", small, deleteBlockDocument},
}

func createBlockDocument(c *core.Core, r *request) (answer, error) {
	var in api.BlockDocumentCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	d, err := c.CreateBlockDocument(r.Context(), r.who, &in)
	return give(http.StatusCreated, d, err)
}

// putBlockDocument adds a block document, or gives the one of its type and name this data.
func putBlockDocument(c *core.Core, r *request) (answer, error) {
	var in api.BlockDocumentCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	name, isNamed := in.Name.Get()
	if !isNamed || in.IsAnonymous.Or(false) {
		d, err := c.CreateBlockDocument(r.Context(), r.who, &in)
		return give(http.StatusCreated, d, err)
	}
	f := core.BlockFilters{Documents: &api.BlockDocumentFilter{
		BlockTypeID: &api.Match[uuid.UUID]{Any: []uuid.UUID{in.BlockTypeID}}, Name: &api.Match[string]{Any: []string{name}},
	}}
	have, err := c.BlockDocuments(r.Context(), r.who, f, false, api.BlockDocumentSortNameAsc, 1, 0)
	if err != nil {
		return answer{}, err
	}
	if len(have) == 0 {
		d, err := c.CreateBlockDocument(r.Context(), r.who, &in)
		return give(http.StatusCreated, d, err)
	}
	id := have[0].ID
	if g := r.visitor.grant; g != nil && g.Bounded() {
		if err := mayUse(g, identity.ObjectBlock, id, identity.LevelManage); err != nil {
			return answer{}, err
		}
	}
	change := &api.BlockDocumentUpdate{BlockSchemaID: api.Some(in.BlockSchemaID), Data: api.Some(api.Object(in.Data.Or(nil))), MergeExistingData: api.Some(false)}
	if err := c.UpdateBlockDocument(r.Context(), r.who, id, change); err != nil {
		return answer{}, err
	}
	d, err := c.BlockDocument(r.Context(), r.who, id, false)
	return give(http.StatusCreated, d, err)
}

// secrets says whether a query asks for secrets in clear.
func (r *request) secrets() (bool, error) {
	text := r.URL.Query().Get("include_secrets")
	if text == "" {
		return false, nil
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		return false, api.Invalid(nil, api.Violation{
			Type: "bool_parsing", Loc: []any{"query", "include_secrets"}, Msg: "Input should be a valid boolean, unable to interpret input",
		})
	}
	return b && !r.who.SecretsMasked, nil
}

// revealed writes down whose secrets are about to be told; when that fails they are not.
func (r *request) revealed(list ...api.BlockDocument) error {
	if r.visitor.grant == nil {
		return nil
	}
	var told []identity.Revealed
	for i := range list {
		if d := &list[i]; core.RevealsSecrets(d) {
			one := identity.Revealed{ID: d.ID}
			if d.Name != nil {
				one.Name = *d.Name
			}
			told = append(told, one)
		}
	}
	g := r.visitor.grant.Workspace
	return r.api.Identity.SecretsRead(r.Context(), r.visitor.by, g.AccountID, g.ID, told)
}

func readBlockDocument(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	secrets, err := r.secrets()
	if err != nil {
		return answer{}, err
	}
	d, err := c.BlockDocument(r.Context(), r.who, id, secrets)
	if err == nil && secrets {
		err = r.revealed(*d)
	}
	return give(http.StatusOK, d, err)
}

func readBlockDocumentByName(c *core.Core, r *request) (answer, error) {
	secrets, err := r.secrets()
	if err != nil {
		return answer{}, err
	}
	d, err := c.BlockDocumentByName(r.Context(), r.who, r.PathValue("slug"), r.PathValue("block_document_name"), secrets)
	if err == nil && secrets {
		err = r.revealed(*d)
	}
	return give(http.StatusOK, d, err)
}

func readBlockDocumentsOfType(c *core.Core, r *request) (answer, error) {
	secrets, err := r.secrets()
	if err != nil {
		return answer{}, err
	}
	kind, err := c.BlockTypeBySlug(r.Context(), r.who, r.PathValue("slug"))
	if err != nil {
		return answer{}, err
	}
	f := core.BlockFilters{Types: &api.BlockTypeFilter{Slug: &api.Match[string]{Any: []string{kind.Slug}}}}
	list, err := c.BlockDocuments(r.Context(), r.who, f, secrets, api.BlockDocumentSortNameAsc, api.MaxPage, 0)
	if err == nil && secrets {
		err = r.revealed(list...)
	}
	return give(http.StatusOK, list, err)
}

func readBlockDocuments(c *core.Core, r *request) (answer, error) {
	var raw jsontext.Value
	if err := r.decode(&raw); err != nil {
		return answer{}, err
	}
	var in api.ReadBlockDocumentsRequest
	if err := api.Decode(raw, &in); err != nil {
		return answer{}, err
	}
	showAnonymous(raw, in.BlockDocuments)
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	f := core.BlockFilters{Documents: in.BlockDocuments, Types: in.BlockTypes, Schemas: in.BlockSchemas}
	secrets := in.IncludeSecrets.Or(false) && !r.who.SecretsMasked
	list, err := c.BlockDocuments(r.Context(), r.who, f, secrets, in.Sort.Or(api.BlockDocumentSortNameAsc), limit, in.Offset.Or(0))
	if err == nil && secrets {
		err = r.revealed(list...)
	}
	return give(http.StatusOK, list, err)
}

func countBlockDocuments(c *core.Core, r *request) (answer, error) {
	var raw jsontext.Value
	if err := r.decode(&raw); err != nil {
		return answer{}, err
	}
	var in api.CountBlockDocumentsRequest
	if err := api.Decode(raw, &in); err != nil {
		return answer{}, err
	}
	showAnonymous(raw, in.BlockDocuments)
	n, err := c.CountBlockDocuments(r.Context(), r.who, core.BlockFilters{Documents: in.BlockDocuments, Types: in.BlockTypes, Schemas: in.BlockSchemas})
	return give(http.StatusOK, n, err)
}

func updateBlockDocument(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.BlockDocumentUpdate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return none(c.UpdateBlockDocument(r.Context(), r.who, id, &in))
}

func deleteBlockDocument(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	return none(c.DeleteBlockDocument(r.Context(), r.who, id))
}

// showAnonymous lets a filter select anonymous documents too, when the request says null
// where others say nothing.
func showAnonymous(body jsontext.Value, f *api.BlockDocumentFilter) {
	var said struct {
		Documents struct {
			IsAnonymous api.Opt[jsontext.Value] `json:"is_anonymous"`
		} `json:"block_documents"`
	}
	if f != nil && json.Unmarshal(body, &said, jsontext.AllowDuplicateNames(true)) == nil && said.Documents.IsAnonymous.IsNull() {
		f.IsAnonymous = &api.BlockDocumentFilterIsAnonymous{}
	}
}
