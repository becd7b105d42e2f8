package rest

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var limitRoutes = []route{
	{api.OpCreateConcurrencyLimitV2, "manage_concurrency_limits", small, createLimit},
	{api.OpReadConcurrencyLimitV2, "see_concurrency_limits", small, readLimit},
	{api.OpReadAllConcurrencyLimitsV2, "see_concurrency_limits", small, readLimits},
	{api.OpUpdateConcurrencyLimitV2, "manage_concurrency_limits", small, updateLimit},
	{api.OpDeleteConcurrencyLimitV2, "manage_concurrency_limits", small, deleteLimit},
	{api.OpBulkIncrementActiveSlots, "manage_concurrency_limits", small, acquireSlots},
	{api.OpBulkIncrementActiveSlotsWithLease, "manage_concurrency_limits", small, leaseSlots},
	{api.OpBulkDecrementActiveSlots, "manage_concurrency_limits", small, releaseSlots},
	{api.OpBulkDecrementActiveSlotsWithLease, "manage_concurrency_limits", small, releaseLease},
	{api.OpRenewConcurrencyLease, "manage_concurrency_limits", small, renewLease},
	{api.OpReadLimitHolders, "see_concurrency_limits", small, readHolders},
}

func createLimit(c *core.Core, r *request) (answer, error) {
	var in api.ConcurrencyLimitV2Create
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	l, err := c.CreateConcurrencyLimit(r.Context(), r.who, &in)
	return give(http.StatusCreated, l, err)
}

// idOrName reads a path parameter that is an id if it looks like one, else a name.
func (r *request) idOrName(name string) core.Ref {
	text := r.PathValue(name)
	if id, err := uuid.Parse(text); err == nil {
		return core.ByID(id)
	}
	return core.ByName(text)
}

func readLimit(c *core.Core, r *request) (answer, error) {
	l, err := c.ConcurrencyLimit(r.Context(), r.who, r.idOrName("id_or_name"))
	return give(http.StatusOK, l, err)
}

func readHolders(c *core.Core, r *request) (answer, error) {
	list, err := c.LimitHolders(r.Context(), r.who, r.idOrName("id_or_name"))
	return give(http.StatusOK, list, err)
}

func readLimits(c *core.Core, r *request) (answer, error) {
	var in api.ReadAllConcurrencyLimitsV2Request
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	list, err := c.ConcurrencyLimits(r.Context(), r.who, limit, in.Offset.Or(0))
	return give(http.StatusOK, list, err)
}

func updateLimit(c *core.Core, r *request) (answer, error) {
	var in api.ConcurrencyLimitV2Update
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return none(c.UpdateConcurrencyLimit(r.Context(), r.who, r.idOrName("id_or_name"), &in))
}

func deleteLimit(c *core.Core, r *request) (answer, error) {
	return none(c.DeleteConcurrencyLimit(r.Context(), r.who, r.idOrName("id_or_name")))
}

func acquireSlots(c *core.Core, r *request) (answer, error) {
	var in api.BulkIncrementActiveSlotsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	rateLimit, err := isRateLimit(in.Mode)
	if err != nil {
		return answer{}, err
	}
	taken, _, err := c.AcquireSlots(r.Context(), r.who, &core.Slots{Names: in.Names, Slots: in.Slots, RateLimit: rateLimit})
	return r.orFull(taken, err)
}

// isRateLimit reads the mode of a request for slots.
func isRateLimit(mode api.Opt[string]) (bool, error) {
	switch m := mode.Or("concurrency"); m {
	case "concurrency", "rate_limit":
		return m == "rate_limit", nil
	}
	return false, api.Invalid(nil, api.Violation{
		Type: "literal_error", Loc: []any{"body", "mode"}, Msg: "Input should be 'concurrency' or 'rate_limit'",
	})
}

// orFull answers with body, or 423 and when to try again if there was no room.
func (r *request) orFull(body any, err error) (answer, error) {
	var full *core.Full
	if !errors.As(err, &full) {
		return give(http.StatusOK, body, err)
	}
	if !full.Hopeless {
		r.writer.Header().Set("Retry-After", strconv.FormatFloat(full.After.Seconds(), 'f', -1, 64))
	}
	return answer{http.StatusLocked, detailBody{full.Words}}, nil
}

func leaseSlots(c *core.Core, r *request) (answer, error) {
	var in api.BulkIncrementActiveSlotsWithLeaseRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	rateLimit, err := isRateLimit(in.Mode)
	if err != nil {
		return answer{}, err
	}
	taken, lease, err := c.AcquireSlots(r.Context(), r.who, &core.Slots{
		Names: in.Names, Slots: in.Slots, RateLimit: rateLimit,
		Lease: &core.LeaseTerms{Duration: seconds(in.LeaseDuration.Or(300)), Holder: in.Holder.Ptr()},
	})
	return r.orFull(api.ConcurrencyLimitWithLeaseResponse{LeaseID: lease, Limits: taken}, err)
}

func seconds(f api.Float) time.Duration { return time.Duration(float64(f) * float64(time.Second)) }

func releaseSlots(c *core.Core, r *request) (answer, error) {
	var in api.BulkDecrementActiveSlotsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	var held *time.Duration
	if f, ok := in.OccupancySeconds.Get(); ok {
		d := seconds(f)
		held = &d
	}
	freed, err := c.ReleaseSlots(r.Context(), r.who, in.Names, in.Slots, held)
	return give(http.StatusOK, freed, err)
}

func releaseLease(c *core.Core, r *request) (answer, error) {
	var in api.BulkDecrementActiveSlotsWithLeaseRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return none(c.ReleaseLease(r.Context(), r.who, in.LeaseID))
}

func renewLease(c *core.Core, r *request) (answer, error) {
	id, wrong := uuid.Parse(r.PathValue("lease_id"))
	var in api.RenewConcurrencyLeaseRequest
	err := r.decode(&in)
	if wrong != nil { // the contract takes any text here, and tells what is wrong with it before the body
		return answer{}, api.Invalid(r.body, append([]api.Violation{api.NoUUID(r.PathValue("lease_id"), "path", "lease_id")}, api.ViolationsOf(err)...)...)
	}
	if err != nil {
		return answer{}, err
	}
	err = c.RenewLease(r.Context(), r.who, id, seconds(in.LeaseDuration.Or(300)))
	if api.CodeOf(err) == api.CodeNotFound {
		return answer{http.StatusGone, detailBody{err.Error()}}, nil
	}
	return none(err)
}
