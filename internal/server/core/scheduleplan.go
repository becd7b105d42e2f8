package core

import (
	"slices"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// schedulePlan is what an update of a deployment does to its schedules.
type schedulePlan struct {
	replace bool // all that there are go first
	patch   []schedulePatch
	create  []api.DeploymentScheduleCreate
}

type schedulePatch struct {
	id      uuid.UUID
	renamed bool
	in      *api.DeploymentScheduleUpdate
}

// planSchedules decides it: where all schedules have slugs they are changed one by one,
// else those of the request take the place of what there is.
func planSchedules(have []api.DeploymentSchedule, asked api.Opt[[]api.DeploymentScheduleUpdate]) (*schedulePlan, error) {
	want, isSet := asked.Get()
	if !isSet {
		return &schedulePlan{}, nil
	}
	bySlug := map[string]uuid.UUID{}
	for _, s := range have {
		if s.Slug != nil {
			bySlug[*s.Slug] = s.ID
		}
	}
	haveSlugs := len(have) > 0 && len(bySlug) == len(have)
	wantSlugs := !slices.ContainsFunc(want, func(s api.DeploymentScheduleUpdate) bool { return s.Slug.Ptr() == nil })
	switch {
	case haveSlugs && wantSlugs:
		return mergeSchedules(bySlug, want)
	case haveSlugs:
		return nil, api.Errorf(api.CodeInvalid, "Please provide a slug for each schedule in your request to ensure schedules are updated correctly.")
	}
	plan := &schedulePlan{replace: true}
	for i := range want {
		if want[i].Schedule.Ptr() != nil {
			plan.create = append(plan.create, asCreate(&want[i]))
		}
	}
	return plan, nil
}

// mergeSchedules changes or adds schedule by schedule.
func mergeSchedules(have map[string]uuid.UUID, want []api.DeploymentScheduleUpdate) (*schedulePlan, error) {
	replaced, err := replacedSlugs(want)
	if err != nil {
		return nil, err
	}
	plan := &schedulePlan{}
	for i := range want {
		slug, old := want[i].Slug.Or(""), want[i].Replaces.Or("")
		if _, exists := have[slug]; exists && old != "" && !replaced[slug] {
			return nil, api.Errorf(api.CodeInvalid, "Cannot rename schedule from '%s' to '%s': a schedule with slug '%s' already exists.", old, slug, slug)
		}
		if err := plan.add(have, &want[i]); err != nil {
			return nil, err
		}
	}
	return plan, nil
}

// replacedSlugs are the slugs that the request takes from schedules.
func replacedSlugs(want []api.DeploymentScheduleUpdate) (map[string]bool, error) {
	replaced := map[string]bool{}
	for i := range want {
		old := want[i].Replaces.Or("")
		if old == "" {
			continue
		}
		if replaced[old] {
			return nil, api.Errorf(api.CodeInvalid, "Multiple schedules have 'replaces' targeting the same slug: %s", old)
		}
		replaced[old] = true
	}
	return replaced, nil
}

func (p *schedulePlan) add(have map[string]uuid.UUID, s *api.DeploymentScheduleUpdate) error {
	target, old := s.Slug.Or(""), s.Replaces.Or("")
	if old != "" {
		target = old
	}
	id, exists := have[target]
	switch {
	case exists:
		p.patch = append(p.patch, schedulePatch{id: id, renamed: old != "", in: s})
	case s.Schedule.Ptr() == nil:
		return api.Errorf(api.CodeInvalid, "Unable to create new deployment schedules without a schedule configuration.")
	default:
		p.create = append(p.create, asCreate(s))
	}
	return nil
}

func asCreate(s *api.DeploymentScheduleUpdate) api.DeploymentScheduleCreate {
	return api.DeploymentScheduleCreate{
		Active: s.Active, Schedule: s.Schedule.Or(nil), MaxScheduledRuns: s.MaxScheduledRuns, Parameters: s.Parameters, Slug: s.Slug, Policy: s.Policy,
	}
}

// applySchedules carries a plan out. Slugs that move are cleared first, so that they can
// change places.
func (w *work) applySchedules(deployment uuid.UUID, plan *schedulePlan) error {
	if plan.replace {
		if err := w.DeleteSchedules(deployment); err != nil {
			return err
		}
	}
	for _, p := range plan.patch {
		if !p.renamed {
			continue
		}
		if err := w.SetSchedule(p.id, store.Set{Column: "slug", Value: nil}); err != nil {
			return err
		}
	}
	for _, p := range plan.patch {
		if err := w.patchSchedule(p.id, p.in); err != nil {
			return err
		}
	}
	_, err := w.addSchedules(deployment, plan.create)
	return err
}
