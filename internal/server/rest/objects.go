package rest

import (
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/identity"
)

type jsonValue = jsontext.Value

// objectPlaces are the paths of the objects that may have lists of their own of who may
// use them.
var objectPlaces = map[string]string{
	"/block_documents/{id}": identity.ObjectBlock, "/deployments/{id}": identity.ObjectDeployment, "/work_pools/{name}": identity.ObjectWorkPool,
	"/work_pools/{work_pool_name}": identity.ObjectWorkPool, "/metrics/deployments/{deployment_id}": identity.ObjectDeployment,
}

// objectIn is the kind of the object that the path of an operation names, and the name of
// its parameter; "" when it names none.
func objectIn(path string) (kind, parameter string) {
	for place, kind := range objectPlaces {
		if path == place || strings.HasPrefix(path, place+"/") {
			_, parameter, _ = strings.Cut(strings.TrimSuffix(place, "}"), "{")
			return kind, parameter
		}
	}
	return "", ""
}

// levelFor is what one must be able to do with an object for an operation on it.
func levelFor(path string, p permission) string {
	switch text := string(p); {
	case strings.Contains(text, "run_"), strings.Contains(text, "write_workers"), strings.Contains(path, "get_scheduled_flow_runs"):
		return identity.LevelRun
	case strings.Contains(text, "write_"), strings.Contains(text, "manage_"):
		return identity.LevelManage
	}
	return identity.LevelView
}

// objectBound is the object that an operation is about, as far as lists of who may use it
// can refuse it.
type objectBound struct{ kind, parameter, level string }

func boundOf(row route) (b objectBound) {
	if b.kind, b.parameter = objectIn(row.op.Path); b.kind != "" {
		b.level = levelFor(row.op.Path, row.permission)
	}
	return b
}

// check refuses a request about an object that its sender may not use.
func (b objectBound) check(a *API, r *request) error {
	g := r.visitor.grant
	if b.kind == "" || g == nil || !g.Bounded() {
		return nil
	}
	text := r.PathValue(b.parameter)
	id, err := uuid.Parse(text)
	if b.kind == identity.ObjectWorkPool {
		id, err = a.Identity.ObjectID(r.Context(), r.who.Workspace, b.kind, text)
	}
	if err != nil {
		return nil //nolint:nilerr // the operation itself says what is wrong
	}
	return mayUse(g, b.kind, id, b.level)
}

func mayUse(g *identity.WorkspaceGrant, kind string, id uuid.UUID, level string) error {
	switch may, sees := g.MayUse(kind, id, level); {
	case !sees:
		words := strings.ReplaceAll(kind, "_", " ")
		return api.NotFound(strings.ToUpper(words[:1]) + words[1:])
	case !may:
		return api.Errorf(api.CodeForbidden, "You may not do that with this %s: its list of who may does not name you.", strings.ReplaceAll(kind, "_", " "))
	}
	return nil
}

// seen refuses an answer that shows an object which its reader may not see, as found by a
// name.
func (b objectBound) seen(r *request, body any) error {
	g := r.visitor.grant
	if g == nil || !g.Bounded() {
		return nil
	}
	switch v := body.(type) {
	case *api.DeploymentResponse:
		return mayUse(g, identity.ObjectDeployment, v.ID, identity.LevelView)
	case *api.BlockDocument:
		return mayUse(g, identity.ObjectBlock, v.ID, identity.LevelView)
	case *api.WorkPoolResponse:
		return mayUse(g, identity.ObjectWorkPool, v.ID, identity.LevelView)
	}
	return nil
}

var objectRoutes = []governedRoute{
	{pattern: "GET " + inWorkspace + "/block_documents/{id}/access", scopes: "see_blocks", handle: readControl(identity.ObjectBlock)},
	{pattern: "PUT " + inWorkspace + "/block_documents/{id}/access", scopes: "manage_blocks", fresh: true, handle: replaceControl(identity.ObjectBlock)},
	{pattern: "POST " + inWorkspace + "/block_documents/my-access", scopes: "see_blocks", handle: readMyControl(identity.ObjectBlock)},
	{pattern: "GET " + inWorkspace + "/deployments/{id}/access", scopes: "see_deployments", handle: readControl(identity.ObjectDeployment)},
	{pattern: "PUT " + inWorkspace + "/deployments/{id}/access", scopes: "manage_deployments", fresh: true, handle: replaceControl(identity.ObjectDeployment)},
	{pattern: "POST " + inWorkspace + "/deployments/my-access", scopes: "see_deployments", handle: readMyControl(identity.ObjectDeployment)},
	{pattern: "GET " + inWorkspace + "/work_pools/{id}/access", scopes: "see_work_pools", handle: readControl(identity.ObjectWorkPool)},
	{pattern: "PUT " + inWorkspace + "/work_pools/{id}/access", scopes: "manage_work_pools", fresh: true, handle: replaceControl(identity.ObjectWorkPool)},
	{pattern: "POST " + inWorkspace + "/work_pools/my-access", scopes: "see_work_pools", handle: readMyControl(identity.ObjectWorkPool)},
}

// control finds the object that a path means, if the sender may do something with it.
func control(s *identity.Service, r *request, kind, level string) (id uuid.UUID, err error) {
	if kind == identity.ObjectWorkPool {
		id, err = s.ObjectID(r.Context(), r.who.Workspace, kind, r.PathValue("id"))
	} else {
		id, err = r.id("id")
	}
	if err == nil {
		err = mayUse(r.visitor.grant, kind, id, level)
	}
	return id, err
}

func readControl(kind string) func(*identity.Service, *request) (answer, error) {
	return func(s *identity.Service, r *request) (answer, error) {
		id, err := control(s, r, kind, identity.LevelView)
		if err != nil {
			return answer{}, err
		}
		out, err := s.ObjectControl(r.Context(), r.account, r.who.Workspace, kind, id)
		return give(http.StatusOK, out, err)
	}
}

func replaceControl(kind string) func(*identity.Service, *request) (answer, error) {
	return func(s *identity.Service, r *request) (answer, error) {
		id, err := control(s, r, kind, identity.LevelManage)
		if err != nil {
			return answer{}, err
		}
		var in struct {
			Control api.ReplaceObjectAccess `json:"access_control" check:"required"`
		}
		if err := r.decode(&in); err != nil {
			return answer{}, err
		}
		return none(s.SetObjectControl(r.Context(), r.visitor.by, r.account, r.who.Workspace, kind, id, &in.Control))
	}
}

func readMyControl(kind string) func(*identity.Service, *request) (answer, error) {
	return func(s *identity.Service, r *request) (answer, error) {
		var in struct {
			Deployments []uuid.UUID `json:"deployment_ids,omitzero"`
			Blocks      []uuid.UUID `json:"block_document_ids,omitzero"`
			Pools       []uuid.UUID `json:"work_pool_ids,omitzero"`
			Names       []string    `json:"work_pool_names,omitzero"`
		}
		if err := r.decode(&in); err != nil {
			return answer{}, err
		}
		out := map[string][]string{}
		for _, id := range append(append(in.Deployments, in.Blocks...), in.Pools...) {
			out[id.String()] = r.visitor.grant.Levels(kind, id)
		}
		for _, name := range in.Names {
			id, err := s.ObjectID(r.Context(), r.who.Workspace, kind, name)
			if err == nil {
				out[name] = r.visitor.grant.Levels(kind, id)
			} else if api.CodeOf(err) != api.CodeNotFound {
				return answer{}, err
			}
		}
		return ok(out)
	}
}
