package core

import (
	"context"
	"slices"
	"strings"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// TagSorts are the orders in which tags are listed, the usual one first.
var TagSorts = []string{"LAST_SEEN_DESC", "LAST_SEEN_ASC", "NAME_ASC", "NAME_DESC"}

// TagsPage lists one page of the tags of flow runs whose names contain search.
func (c *Core) TagsPage(ctx context.Context, who Caller, search, sort string, limit, page int) (*api.TagPaginationResponse, error) {
	list, err := value(ctx, c, who, func(tx *store.Tx) ([]api.Tag, error) { return tx.Tags(search) })
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(sort, "LAST_SEEN") {
		slices.SortStableFunc(list, func(a, b api.Tag) int { return a.LastSeen.Compare(b.LastSeen.Time) })
	}
	if strings.HasSuffix(sort, "DESC") {
		slices.Reverse(list)
	}
	from := min(limit*(page-1), len(list))
	return &api.TagPaginationResponse{Results: list[from:min(from+limit, len(list))], Count: len(list), Limit: limit, Pages: pages(len(list), limit), Page: page}, nil
}

// HideTag takes a tag off that list until a run has it again. Runs keep it.
func (c *Core) HideTag(ctx context.Context, who Caller, tag string) error {
	return c.write(ctx, who, func(w *work) error { return w.Tx.HideTag(tag, w.now) })
}
