package deploy

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/document"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
	"github.com/usherhq/usher/internal/rules/schedule"
)

// policy reads the policy of a schedule: the same members as in the API.
func policy(tree any) (out api.Opt[api.SchedulePolicy], err error) {
	if tree == nil {
		return out, nil
	}
	raw, err := jobtemplate.Encode(tree)
	if err != nil {
		return out, err
	}
	var p api.SchedulePolicy
	if err := api.Decode(raw, &p); err != nil {
		return out, err
	}
	out = api.Some(p)
	if found := schedule.CheckPolicy(out, "body"); len(found) > 0 {
		return out, api.Invalid(raw, found...)
	}
	return out, nil
}

// checkPolicy checks the policy of a schedule, unless templates are yet to be filled in.
func checkPolicy(n *yaml.Node) *document.Placed {
	tree, err := document.Tree(n)
	if err != nil {
		return document.At(n, "%w", err)
	}
	if hasTemplate(tree) {
		return nil
	}
	_, err = policy(tree)
	if e, is := errors.AsType[*api.Error](err); is && len(e.Violations) > 0 {
		v := e.Violations[0]
		at, path := below(n, v.Loc[1:])
		return document.At(at, "%s: %s", path, strings.TrimPrefix(v.Msg, "Value error, "))
	}
	if err != nil {
		return document.At(n, "policy: %w", err)
	}
	return nil
}

func hasTemplate(tree any) bool {
	switch v := tree.(type) {
	case map[string]any:
		for _, member := range v {
			if hasTemplate(member) {
				return true
			}
		}
	case []any:
		for _, element := range v {
			if hasTemplate(element) {
				return true
			}
		}
	}
	return isTemplate(tree)
}

// below finds a part of a policy, as far as the file has it, and words where that is.
func below(n *yaml.Node, loc []any) (at *yaml.Node, path string) {
	path = "policy"
	for _, part := range loc {
		var next *yaml.Node
		switch part := part.(type) {
		case string:
			_, next = member(n, part)
			path += "." + part
		case int:
			if n.Kind == yaml.SequenceNode && part < len(n.Content) {
				next = n.Content[part]
			}
			path += fmt.Sprintf("[%d]", part)
		}
		if next != nil {
			n = resolved(next)
		}
	}
	return n, path
}
