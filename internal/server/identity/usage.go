package identity

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// The buckets that requests are taken from.
const (
	BucketOrchestration = "orchestration" // requests
	BucketEvents        = "events"        // records of logs and events
)

// Rates are how much an account may ask for in a minute, by bucket; 0 is no bound.
type Rates struct{ Requests, LogsEvents int }

func (r Rates) of(bucket string) int {
	if bucket == BucketEvents {
		return r.LogsEvents
	}
	return r.Requests
}

// usage counts what is asked for. Every few seconds servers write down theirs and read what
// others have granted, so that a bound holds for all of them together, late by those
// seconds. It is safe for concurrent use.
type usage struct {
	rates Rates

	mu      sync.Mutex
	minute  int64                 // that the rest is about
	mine    map[usageKey]*tally   // not written down yet
	granted map[bucketKey]int     // in this minute, here and as far as it is known elsewhere
	shares  map[bucketKey]float64 // of workspaces, in percent
}

type usageKey struct {
	account, workspace, actor uuid.UUID
	minute                    int64
	bucket, actorName, key    string
}

type bucketKey struct {
	account, workspace uuid.UUID // workspace of zeros: the whole account
	bucket             string
}

type tally struct{ requested, granted int }

// SetRates bounds what accounts may ask for. It is set before anybody asks.
func (s *Service) SetRates(r Rates) { s.meter.rates = r }

// Spend takes n from a bucket of an account, for one of its workspaces or, with zeros, for
// none. It answers how long to wait when there is not enough; then nothing is taken.
func (s *Service) Spend(a *Actor, account, workspace uuid.UUID, bucket string, n int) (wait time.Duration, ok bool) {
	granted, wait := s.spend(a, account, workspace, bucket, n, n)
	return wait, granted == n
}

// SpendSome is Spend that takes less than n when there is not enough: at least one, or it
// answers how long to wait.
func (s *Service) SpendSome(a *Actor, account, workspace uuid.UUID, bucket string, n int) (granted int, wait time.Duration) {
	return s.spend(a, account, workspace, bucket, 1, n)
}

func (s *Service) spend(a *Actor, account, workspace uuid.UUID, bucket string, least, n int) (granted int, wait time.Duration) {
	u, now := &s.meter, s.clock()
	minute := now.Unix() / 60
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.minute != minute {
		u.minute, u.granted = minute, map[bucketKey]int{}
	}
	whole, part := bucketKey{account, uuid.UUID{}, bucket}, bucketKey{account, workspace, bucket}
	granted = n
	if limit := u.rates.of(bucket); limit > 0 {
		granted = min(granted, limit-u.granted[whole])
		if share, has := u.shares[bucketKey{account, workspace, ""}]; has {
			granted = min(granted, max(1, int(float64(limit)*share/100))-u.granted[part])
		}
	}
	key := usageKey{account, workspace, a.ID, minute, bucket, a.Name(), a.Credential.Name}
	t := u.mine[key]
	if t == nil {
		if u.mine == nil {
			u.mine = map[usageKey]*tally{}
		}
		t = &tally{}
		u.mine[key] = t
	}
	t.requested += n
	if granted < least {
		return 0, time.Duration(60-now.Unix()%60) * time.Second
	}
	t.granted += granted
	u.granted[whole] += granted
	if workspace != (uuid.UUID{}) {
		u.granted[part] += granted
	}
	return granted, 0
}

const (
	// flushEvery is how late other servers hear what was granted here.
	flushEvery = 5 * time.Second
	// keepUsage is how long is remembered what was asked for.
	keepUsage = 15 * 24 * time.Hour
	// exceededFor is how long a bucket counts as exceeded after the last refusal.
	exceededFor = 15 * time.Minute
)

// Run writes down what is asked for, and ends accounts whose grace is over, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	flush, tidy := time.NewTicker(flushEvery), time.NewTicker(time.Hour)
	defer flush.Stop()
	defer tidy.Stop()
	for {
		s.tidied(ctx, s.FlushUsage(ctx))
		select {
		case <-ctx.Done():
			s.tidied(context.WithoutCancel(ctx), s.FlushUsage(context.WithoutCancel(ctx)))
			return nil
		case <-tidy.C:
			s.tidied(ctx, s.RemoveDeleted(ctx))
			s.tidied(ctx, s.Write(ctx, func(tx *store.Tx) error { return tx.EndAccessRequests(s.Now()) }))
			s.tidied(ctx, s.Write(ctx, func(tx *store.Tx) error { return tx.ForgetUsage(api.At(s.Now().Add(-keepUsage))) }))
		case <-flush.C:
		}
	}
}

func (s *Service) tidied(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "cannot keep accounts tidy", "error", err)
	}
}

// FlushUsage writes down what was asked for here and reads what was granted elsewhere.
func (s *Service) FlushUsage(ctx context.Context) error {
	u := &s.meter
	u.mu.Lock()
	mine := u.mine
	u.mine = nil
	u.mu.Unlock()
	var rows []store.Usage
	for k, t := range mine {
		rows = append(rows, store.Usage{
			AccountID: k.account, Minute: api.At(time.Unix(k.minute*60, 0)), Bucket: k.bucket, WorkspaceID: k.workspace, ActorID: k.actor,
			ActorName: k.actorName, KeyName: k.key, Requested: t.requested, Granted: t.granted,
		})
	}
	if len(rows) > 0 {
		if err := s.Write(ctx, func(tx *store.Tx) error { return tx.AddUsage(rows) }); err != nil {
			u.mu.Lock()
			defer u.mu.Unlock()
			for k, t := range mine { // they are written down the next time
				if u.mine == nil {
					u.mine = map[usageKey]*tally{}
				}
				if u.mine[k] == nil {
					u.mine[k] = &tally{}
				}
				u.mine[k].requested += t.requested
				u.mine[k].granted += t.granted
			}
			return err
		}
	}
	if u.rates == (Rates{}) {
		return nil
	}
	return s.readUsage(ctx)
}

// readUsage adds what other servers have granted in this minute, and reads the shares.
func (s *Service) readUsage(ctx context.Context) error {
	u, minute := &s.meter, s.clock().Unix()/60
	var rows []store.Usage
	shares := map[bucketKey]float64{}
	err := s.Read(ctx, func(tx *store.Tx) (err error) {
		if rows, err = tx.UsageInMinute(api.At(time.Unix(minute*60, 0))); err != nil {
			return err
		}
		for _, r := range rows {
			list, err := tx.Allocations(r.AccountID)
			if err != nil {
				return err
			}
			for _, a := range list {
				shares[bucketKey{a.AccountID, a.WorkspaceID, ""}] = a.Percentage
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	granted := map[bucketKey]int{}
	for _, r := range rows {
		granted[bucketKey{r.AccountID, uuid.UUID{}, r.Bucket}] += r.Granted
		if r.WorkspaceID != (uuid.UUID{}) {
			granted[bucketKey{r.AccountID, r.WorkspaceID, r.Bucket}] += r.Granted
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for k, t := range u.mine { // what was granted here since it was written down
		if k.minute != minute {
			continue
		}
		granted[bucketKey{k.account, uuid.UUID{}, k.bucket}] += t.granted
		if k.workspace != (uuid.UUID{}) {
			granted[bucketKey{k.account, k.workspace, k.bucket}] += t.granted
		}
	}
	u.minute, u.granted, u.shares = minute, granted, shares
	return nil
}

// Allocations lists the shares of an account's workspaces.
func (s *Service) Allocations(ctx context.Context, account uuid.UUID) ([]api.RateAllocation, error) {
	return read(ctx, s, func(tx *store.Tx) ([]api.RateAllocation, error) {
		list, err := tx.Allocations(account)
		out := []api.RateAllocation{}
		for _, a := range list {
			out = append(out, api.RateAllocation{ID: a.ID, Created: a.Created, Updated: a.Updated, AccountID: a.AccountID, WorkspaceID: a.WorkspaceID, Percentage: a.Percentage})
		}
		return out, err
	})
}

// SetAllocations gives every workspace of an account a share, or takes all shares away.
func (s *Service) SetAllocations(ctx context.Context, by By, account uuid.UUID, in []api.RateAllocationEntry) ([]api.RateAllocation, error) {
	err := s.Change(ctx, func(tx *store.Tx) error {
		workspaces, err := tx.WorkspacesOf(account)
		if err != nil {
			return err
		}
		list, now, shares := []store.Allocation{}, s.Now(), map[string]any{}
		for _, e := range in {
			if !slices.ContainsFunc(workspaces, func(w store.Workspace) bool { return w.ID == e.WorkspaceID }) {
				return api.NotFound("Workspace")
			}
			if e.Percentage < 0.1 || e.Percentage > 100 {
				return api.Errorf(api.CodeInvalid, "A share is from 0.1 to 100 percent.")
			}
			if _, twice := shares[e.WorkspaceID.String()]; twice {
				return api.Errorf(api.CodeInvalid, "A workspace is named twice.")
			}
			list = append(list, store.Allocation{WorkspaceID: e.WorkspaceID, ID: newID(), Created: now, Updated: now, Percentage: e.Percentage})
			shares[e.WorkspaceID.String()] = e.Percentage
		}
		if len(list) > 0 && len(list) != len(workspaces) {
			return api.Errorf(api.CodeInvalid, "Name every workspace of the account, or none.")
		}
		if err := tx.SetAllocations(account, list); err != nil {
			return err
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "account-settings", Action: "updated", ID: account, Details: map[string]any{"rate_limit_allocations": shares}})
	})
	if err != nil {
		return nil, err
	}
	return s.Allocations(ctx, account)
}

// ExceededBuckets lists the buckets in which an account was refused something lately.
func (s *Service) ExceededBuckets(ctx context.Context, account uuid.UUID) ([]string, error) {
	rows, err := s.used(ctx, account, "", s.Now().Add(-exceededFor), s.Now().Time)
	out := []string{}
	for _, r := range rows {
		if r.Granted < r.Requested && !slices.Contains(out, r.Bucket) {
			out = append(out, r.Bucket)
		}
	}
	slices.Sort(out)
	return out, err
}

func (s *Service) used(ctx context.Context, account uuid.UUID, bucket string, since, until time.Time) ([]store.Usage, error) {
	if err := s.FlushUsage(ctx); err != nil { // what was asked for here just now counts too
		return nil, err
	}
	return read(ctx, s, func(tx *store.Tx) ([]store.Usage, error) {
		return tx.UsageBetween(account, bucket, api.At(since.Truncate(time.Minute)), api.At(until))
	})
}

// maxUsage bounds the span of a report.
const maxUsage = 24 * time.Hour

func minutesOf(since, until time.Time) ([]api.Time, error) {
	if until.Before(since) || until.Sub(since) > maxUsage {
		return nil, api.Errorf(api.CodeInvalid, "A report is about at most a day, which ends after it begins.")
	}
	list := []api.Time{}
	for at := since.Truncate(time.Minute); !at.After(until); at = at.Add(time.Minute) {
		list = append(list, api.At(at))
	}
	return list, nil
}

// UsageReport tells what an account has asked for, minute by minute.
func (s *Service) UsageReport(ctx context.Context, account uuid.UUID, since, until time.Time, buckets []string) (*api.RateUsage, error) {
	minutes, err := minutesOf(since, until)
	if err != nil {
		return nil, err
	}
	if len(buckets) == 0 {
		buckets = []string{BucketOrchestration, BucketEvents}
	}
	rows, err := s.used(ctx, account, "", since, until)
	out := &api.RateUsage{Account: account, Since: api.At(since), Until: api.At(until), Minutes: minutes, Keys: map[string]*api.RateUsageOfKey{}}
	for _, b := range buckets {
		k := &api.RateUsageOfKey{Limit: make([]int, len(minutes)), Usage: make([]int, len(minutes)), Requested: make([]int, len(minutes)), Granted: make([]int, len(minutes))}
		for i := range minutes {
			k.Limit[i] = s.meter.rates.of(b)
		}
		out.Keys[b] = k
	}
	for _, r := range rows {
		i := int(r.Minute.Sub(minutes[0].Time) / time.Minute)
		if k := out.Keys[r.Bucket]; k != nil && i >= 0 && i < len(minutes) {
			k.Usage[i] += r.Granted
			k.Requested[i] += r.Requested
			k.Granted[i] += r.Granted
		}
	}
	return out, err
}

// UsageChoice chooses what a report by groups is about; "" and zeros choose everything.
type UsageChoice struct {
	Since, Until       time.Time
	Bucket, By         string
	Workspace          uuid.UUID
	ActorName, KeyName string
}

func (c *UsageChoice) wants(u *store.Usage) bool {
	return (c.Workspace == uuid.UUID{} || c.Workspace == u.WorkspaceID) && (c.ActorName == "" || c.ActorName == u.ActorName) && (c.KeyName == "" || c.KeyName == u.KeyName)
}

// UsageByGroup tells what an account has asked for by workspace, key or actor.
func (s *Service) UsageByGroup(ctx context.Context, account uuid.UUID, c UsageChoice) (*api.RateUsageByGroup, error) {
	group := map[string]func(*store.Usage) string{
		"workspace": func(u *store.Usage) string { return u.WorkspaceID.String() }, "workspace_id": func(u *store.Usage) string { return u.WorkspaceID.String() },
		"api_key_name": func(u *store.Usage) string { return u.KeyName }, "actor_name": func(u *store.Usage) string { return u.ActorName },
	}[c.By]
	if group == nil {
		return nil, api.Errorf(api.CodeInvalid, "group_by is workspace_id, api_key_name or actor_name, not %q.", c.By)
	}
	minutes, err := minutesOf(c.Since, c.Until)
	if err != nil {
		return nil, err
	}
	rows, err := s.used(ctx, account, c.Bucket, c.Since, c.Until)
	out := &api.RateUsageByGroup{Account: account, Since: api.At(c.Since), Until: api.At(c.Until), Limit: s.meter.rates.of(c.Bucket), Minutes: minutes, Groups: map[string]*api.RateUsageOfGroup{}}
	for i := range rows {
		at := int(rows[i].Minute.Sub(minutes[0].Time) / time.Minute)
		if !c.wants(&rows[i]) || at < 0 || at >= len(minutes) {
			continue
		}
		g := out.Groups[group(&rows[i])]
		if g == nil {
			g = &api.RateUsageOfGroup{Requested: make([]int, len(minutes)), Granted: make([]int, len(minutes))}
			out.Groups[group(&rows[i])] = g
		}
		g.Requested[at] += rows[i].Requested
		g.Granted[at] += rows[i].Granted
	}
	return out, err
}

// UsageNames lists the names of keys or, with actors, of actors that have asked for
// something.
func (s *Service) UsageNames(ctx context.Context, account uuid.UUID, since, until time.Time, actors bool) ([]string, error) {
	if _, err := minutesOf(since, until); err != nil {
		return nil, err
	}
	rows, err := s.used(ctx, account, "", since, until)
	out := []string{}
	for _, r := range rows {
		name := r.KeyName
		if actors {
			name = r.ActorName
		}
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out, err
}
