package deployment

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
)

// byName lists deployments by flow and name, each page when it is there. The API sorts deployments
// by their own names only, so flows are read in order, and then what is deployed of some of them.
type byName struct {
	options *listOptions
	client  *client.Client
	shown   int
}

// errShown ends the reading when as many were shown as are wanted.
var errShown = errors.New("as many as are wanted")

// each calls use with the deployments in their order, until it fails or --limit is reached.
func (l *byName) each(ctx context.Context, use func([]row) error) error {
	anything := ""
	request := &api.ReadFlowsRequest{
		Sort:        api.Some(api.FlowSortNameAsc),
		Deployments: &api.DeploymentFilter{Name: &api.Match[string]{Like: &anything}}, // only flows that have some
	}
	if len(l.options.flows) > 0 {
		request.Flows = &api.FlowFilter{Name: &api.Match[string]{Any: l.options.flows}}
	}
	err := find.EachPage(0, func(offset, limit int) ([]api.Flow, error) {
		request.Offset, request.Limit = api.Some(offset), api.Some(limit)
		return l.client.ReadFlows(ctx, request)
	}, func(flows []api.Flow) error { return l.of(ctx, flows, use) })
	if errors.Is(err, errShown) {
		return nil
	}
	return err
}

// of lists the deployments of the flows. Where one page does not hold them all, it goes on with
// half of the flows, so that nothing has to be kept for sorting.
func (l *byName) of(ctx context.Context, flows []api.Flow, use func([]row) error) error {
	if len(flows) == 0 {
		return nil
	}
	names, places := map[uuid.UUID]string{}, map[uuid.UUID]int{}
	for i := range flows {
		names[flows[i].ID], places[flows[i].ID] = flows[i].Name, i
	}
	request := &api.ReadDeploymentsRequest{Sort: api.Some(api.DeploymentSortNameAsc), Flows: &api.FlowFilter{ID: &api.Match[uuid.UUID]{}}}
	for id := range names {
		request.Flows.ID.Any = append(request.Flows.ID.Any, id)
	}
	read := func(offset, limit int) ([]api.DeploymentResponse, error) {
		request.Offset, request.Limit = api.Some(offset), api.Some(limit)
		return l.client.ReadDeployments(ctx, request)
	}
	first, err := read(0, find.PageSize)
	if err != nil {
		return err
	}
	full := len(first) == find.PageSize
	if full && len(flows) > 1 {
		half := len(flows) / 2
		if err := l.of(ctx, flows[:half], use); err != nil {
			return err
		}
		return l.of(ctx, flows[half:], use)
	}
	show := func(page []api.DeploymentResponse) error {
		slices.SortStableFunc(page, func(a, b api.DeploymentResponse) int { return cmp.Compare(places[a.FlowID], places[b.FlowID]) })
		rows := make([]row, len(page))
		for i := range page {
			rows[i] = row{DeploymentResponse: page[i], name: names[page[i].FlowID] + "/" + page[i].Name}
		}
		return l.show(rows, use)
	}
	if err := show(first); err != nil || !full {
		return err
	}
	return find.EachPage(0, func(offset, limit int) ([]api.DeploymentResponse, error) { return read(find.PageSize+offset, limit) }, show)
}

// show hands the rows on, as many as are still wanted.
func (l *byName) show(rows []row, use func([]row) error) error {
	limit := l.options.limit
	if limit > 0 {
		rows = rows[:min(len(rows), limit-l.shown)]
	}
	l.shown += len(rows)
	if err := use(rows); err != nil {
		return err
	}
	if limit > 0 && l.shown == limit {
		return errShown
	}
	return nil
}
