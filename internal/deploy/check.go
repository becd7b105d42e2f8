package deploy

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/document"
)

// shape is what a key of a deployment may hold.
type shape int

const (
	shapeText shape = iota
	shapeTextOrList
	shapeBool
	shapeObject
	shapeSteps
	shapeLimit
	shapeSchedule
	shapeSchedules
	shapeObjects
)

// shapes are the keys of a deployment; any other is ignored, as the reference does.
func shapes() map[string]shape {
	return map[string]shape{
		"name": shapeText, "version": shapeText, "version_type": shapeText, "tags": shapeTextOrList, "description": shapeText,
		"schedule": shapeSchedule, "schedules": shapeSchedules, "paused": shapeBool, "concurrency_limit": shapeLimit,
		"flow_name": shapeText, "entrypoint": shapeText, "parameters": shapeObject, "enforce_parameter_schema": shapeBool,
		"build": shapeSteps, "push": shapeSteps, "pull": shapeSteps, "work_pool": shapeObject, "triggers": shapeObjects, "sla": shapeObjects,
		"usher": shapeObject,
	}
}

func checkDeployment(index int, n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return document.At(n, "deployment %d must be a mapping", index+1)
	}
	all := shapes()
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		want, known := all[key]
		value := resolved(n.Content[i+1])
		if !known || isNull(value) {
			if known && key == "parameters" {
				return document.At(value, "%s: parameters must be a mapping", nameOf(n, index))
			}
			continue
		}
		if problem := check(want, key, value); problem != nil {
			problem.Err = api.Errorf(api.CodeInvalid, "%s: %w", nameOf(n, index), problem.Err)
			return problem
		}
	}
	return nil
}

func nameOf(n *yaml.Node, index int) string {
	if _, name := member(n, "name"); name != nil && name.Value != "" {
		return "deployment " + name.Value
	}
	return "deployment " + strconv.Itoa(index+1)
}

func check(want shape, key string, n *yaml.Node) *document.Placed {
	value, err := document.Scalar(n)
	_, isText := value.(string)
	_, isBool := value.(bool)
	_, isInt := value.(int64)
	isScalar := n.Kind == yaml.ScalarNode && err == nil
	switch want {
	case shapeText:
		if !isScalar || !isText {
			return document.At(n, "%s must be text; put it in quotes", key)
		}
	case shapeTextOrList:
		if n.Kind != yaml.SequenceNode && !(isScalar && isText) {
			return document.At(n, "%s must be a list", key)
		}
	case shapeBool:
		if !isScalar || !isBool && !isTemplate(value) {
			return document.At(n, "%s must be true or false", key)
		}
	case shapeObject:
		if n.Kind != yaml.MappingNode {
			return document.At(n, "%s must be a mapping", key)
		}
	case shapeSteps:
		return checkSteps(key, n)
	case shapeLimit:
		if n.Kind != yaml.MappingNode && !(isScalar && isInt) {
			return document.At(n, "%s must be a whole number, or a mapping with limit and collision_strategy", key)
		}
	case shapeSchedule:
		return checkSchedule(n)
	case shapeSchedules:
		return checkEach(key, n, checkSchedule)
	case shapeObjects:
		return checkEach(key, n, func(item *yaml.Node) *document.Placed { return check(shapeObject, "each entry of "+key, item) })
	}
	return nil
}

func isTemplate(v any) bool {
	s, ok := v.(string)
	return ok && strings.Contains(s, "{{")
}

func checkEach(key string, n *yaml.Node, each func(*yaml.Node) *document.Placed) *document.Placed {
	if n.Kind != yaml.SequenceNode {
		return document.At(n, "%s must be a list", key)
	}
	for _, item := range n.Content {
		if problem := each(resolved(item)); problem != nil {
			return problem
		}
	}
	return nil
}

func checkSteps(key string, n *yaml.Node) *document.Placed {
	n = resolved(n)
	switch {
	case isNull(n) || n.Kind == yaml.MappingNode:
		return nil
	case n.Kind != yaml.SequenceNode:
		return document.At(n, "%s must be a list of steps", key)
	}
	return checkEach(key, n, func(item *yaml.Node) *document.Placed { return check(shapeObject, "each step of "+key, item) })
}

func scheduleKeys() []string {
	return []string{"cron", "interval", "rrule", "timezone", "anchor_date", "active", "parameters", "slug", "replaces", "day_or", "policy"}
}

// checkSchedule checks a schedule as it is written by hand; one in the API's own form, with
// a key schedule, is left to the API.
func checkSchedule(n *yaml.Node) *document.Placed {
	if n.Kind != yaml.MappingNode {
		return document.At(n, "a schedule must be a mapping with one of cron, interval or rrule")
	}
	if len(n.Content) == 0 {
		return nil
	}
	if _, p := member(n, "policy"); p != nil && !isNull(resolved(p)) {
		if problem := checkPolicy(resolved(p)); problem != nil {
			return problem
		}
	}
	if _, nested := member(n, "schedule"); nested != nil {
		return nil
	}
	kinds := 0
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if document.IsMerge(key) {
			continue
		}
		if !slices.Contains(scheduleKeys(), key.Value) {
			return document.At(key, "a schedule has no key %q; it has %s", key.Value, strings.Join(scheduleKeys(), ", "))
		}
	}
	for _, kind := range []string{"cron", "interval", "rrule"} {
		if _, v := member(n, kind); v != nil && !isNull(resolved(v)) {
			kinds++
		}
	}
	if kinds != 1 {
		return document.At(n, "Exactly one of 'cron', 'interval', or 'rrule' must be provided")
	}
	return checkTiming(n)
}

// checkTiming reads a schedule as it will be deployed, unless templates in it are to be
// filled in before.
func checkTiming(n *yaml.Node) *document.Placed {
	tree, err := document.Tree(n)
	object, ok := tree.(map[string]any)
	if err != nil || !ok {
		return nil // told where the whole file is read
	}
	for _, value := range object {
		if isTemplate(value) {
			return nil
		}
	}
	if _, err := readSchedule(object, time.Unix(0, 0)); err != nil {
		return document.At(n, "%w", err)
	}
	return nil
}
