package store

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
)

// makers are the columns that say who made an object and who changed it last.
type makers struct{ created, updated jsontext.Value }

func (m *makers) read() (created *api.CreatedBy, updated *api.UpdatedBy, err error) {
	if created, err = optional[api.CreatedBy](m.created); err == nil {
		updated, err = optional[api.UpdatedBy](m.updated)
	}
	return created, updated, err
}
