// Package references fills the references of templates to blocks and variables with what
// the API has for them.
package references

import (
	"context"
	"net/url"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
)

// Resolve replaces the references in a tree. The result holds secrets in clear text.
func Resolve(ctx context.Context, c *client.Client, tree any) (any, error) {
	r := reader{ctx, c}
	withBlocks, err := jobtemplate.ResolveBlocks(tree, r)
	if err != nil {
		return nil, err
	}
	return jobtemplate.ResolveVariables(withBlocks, r.variable)
}

// reader reads what templates refer to.
type reader struct {
	ctx    context.Context //nolint:containedctx // it lives as long as one call of Resolve
	client *client.Client
}

func withSecrets() url.Values { return url.Values{"include_secrets": {"true"}} }

// BlockByName implements jobtemplate.Blocks.
func (r reader) BlockByName(slug, name string) (map[string]any, error) {
	doc, err := r.client.ReadBlockDocumentByNameForBlockType(r.ctx, slug, name, withSecrets())
	if err != nil {
		return nil, err
	}
	return jobtemplate.ParseObject(doc.Data)
}

// BlockByID implements jobtemplate.Blocks.
func (r reader) BlockByID(id string) (map[string]any, error) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, "%q is no block document id", id)
	}
	doc, err := r.client.ReadBlockDocumentByID(r.ctx, parsed, withSecrets())
	if err != nil {
		return nil, err
	}
	return jobtemplate.ParseObject(doc.Data)
}

func (r reader) variable(name string) (any, bool, error) {
	v, err := r.client.ReadVariableByName(r.ctx, name)
	if api.CodeOf(err) == api.CodeNotFound {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	value, err := jobtemplate.Parse(v.Value)
	return value, true, err
}
