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
	"github.com/usherhq/usher/internal/secrets"
)

// Resolve replaces the references in a tree, and what the blocks themselves only refer to by
// what s reads. The result holds secrets in clear text.
func Resolve(ctx context.Context, c *client.Client, s *secrets.Sources, tree any) (any, error) {
	r := reader{ctx, c, s}
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
	secret *secrets.Sources
}

func withSecrets() url.Values { return url.Values{"include_secrets": {"true"}} }

// BlockByName implements jobtemplate.Blocks.
func (r reader) BlockByName(slug, name string) (map[string]any, error) {
	doc, err := r.client.ReadBlockDocumentByNameForBlockType(r.ctx, slug, name, withSecrets())
	if err != nil {
		return nil, err
	}
	return r.data(doc)
}

// data is what a document has, with what it only refers to.
func (r reader) data(doc api.BlockDocument) (map[string]any, error) {
	data, err := jobtemplate.ParseObject(doc.Data)
	if err != nil {
		return nil, err
	}
	return r.secret.Resolve(r.ctx, data)
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
	return r.data(doc)
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
