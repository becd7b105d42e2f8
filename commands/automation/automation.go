// Package automation holds the commands about automations: what the server does by itself
// when something happens.
package automation

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
)

// NewCmd makes usher automation.
func NewCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("automation", "let the server act when something happens", []string{"automations"}, func() []*cobra.Command {
		return []*cobra.Command{
			newListCmd(env),
			newInspectCmd(env),
			newCreateCmd(env),
			newUpdateCmd(env),
			newToggleCmd(env, true),
			newToggleCmd(env, false),
			newDeleteCmd(env),
		}
	})
	cmd.Example = "usher automation create --from-file automation.yaml\nusher automation ls"
	return cmd
}

func columns() []output.Column[api.Automation] {
	return []output.Column[api.Automation]{
		{Name: "ID", Value: func(a api.Automation) string { return a.ID.String() }, Whole: true, Rank: 1},
		{Name: "Name", Value: func(a api.Automation) string { return a.Name }, Tone: func(api.Automation) output.Tone { return output.Strong }, Whole: true},
		output.SwitchColumn("Enabled", func(a api.Automation) bool { return a.Enabled }),
		{Name: "Trigger", Value: func(a api.Automation) string { return triggerText(a.Trigger) }},
		{Name: "Actions", Value: func(a api.Automation) string { return actionsText(a.Actions) }},
		{Name: "Description", Value: func(a api.Automation) string { return a.Description }, Rank: 2},
	}
}

func properties() []output.Column[api.Automation] {
	return append(columns(),
		output.Column[api.Automation]{Name: "Tags", Value: func(a api.Automation) string { return strings.Join(a.Tags, ", ") }},
		output.Column[api.Automation]{
			Name: "Updated", Value: func(a api.Automation) string { return output.Stamp(a.Updated) },
			Human: func(a api.Automation, now time.Time) string { return output.AgoPtr(now, a.Updated) },
		},
		output.Column[api.Automation]{
			Name: "Definition", Value: func(a api.Automation) string { return output.Compact(a.Trigger) },
			Human: func(a api.Automation, _ time.Time) string { return output.Pretty(a.Trigger) },
		},
	)
}

// trigger is what the summary of a trigger is made of.
type trigger struct {
	Type      string           `json:"type"`
	Posture   string           `json:"posture"`
	Expect    []string         `json:"expect"`
	Threshold int              `json:"threshold"`
	Within    api.Float        `json:"within"`
	Require   jsontext.Value   `json:"require"`
	Triggers  []jsontext.Value `json:"triggers"`
}

// triggerText says in a few words when an automation fires.
func triggerText(raw jsontext.Value) string {
	var t trigger
	if json.Unmarshal(raw, &t) != nil {
		return ""
	}
	switch t.Type {
	case "compound":
		return compactWords(string(t.Require), "of", parts(t.Triggers))
	case "sequence":
		return compactWords("in order:", parts(t.Triggers))
	case "event":
		within := time.Duration(float64(t.Within) * float64(time.Second))
		words := strings.Join(t.Expect, ", ")
		if words == "" {
			words = "any event"
		}
		if t.Posture == "Proactive" {
			return compactWords("no", words, "within", output.Duration(within))
		}
		return words
	}
	return t.Type
}

func parts(triggers []jsontext.Value) string {
	texts := make([]string, len(triggers))
	for i, t := range triggers {
		texts[i] = triggerText(t)
	}
	return "(" + strings.Join(texts, "; ") + ")"
}

func compactWords(words ...string) string { return strings.Join(words, " ") }

// actionsText lists the types of actions.
func actionsText(actions []jsontext.Value) string {
	texts := make([]string, len(actions))
	for i, raw := range actions {
		var action struct {
			Type string `json:"type"`
		}
		if json.Unmarshal(raw, &action) == nil {
			texts[i] = action.Type
		}
	}
	return strings.Join(texts, ", ")
}
