package nativeflow

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
)

// ReadArtifact finds the artifact that a printed line is: "::artifact:: key {…}" with its
// type, data and description as JSON, or "::progress:: key 40". Whether the key is one that
// the API takes is for the API to say.
func ReadArtifact(line string, format LogFormat) (api.ArtifactCreate, bool) {
	var none api.ArtifactCreate
	rest, marked := strings.CutPrefix(line, "::")
	kind, text, closed := strings.Cut(rest, "::")
	key, body, found := strings.Cut(strings.TrimSpace(text), " ")
	if format == LogPlain || !marked || !closed || !found {
		return none, false
	}
	body = strings.TrimSpace(body)
	switch kind {
	case "progress":
		percent, err := strconv.ParseFloat(strings.TrimSuffix(body, "%"), 64)
		if err != nil || percent < 0 || percent > 100 {
			return none, false
		}
		return artifact(key, "progress", "", jsontext.Value(strconv.FormatFloat(percent, 'f', -1, 64))), true
	case "artifact":
		var a struct {
			Type        string         `json:"type"`
			Data        jsontext.Value `json:"data"`
			Description string         `json:"description"`
		}
		if json.Unmarshal([]byte(body), &a) != nil || a.Type == "" || len(a.Data) == 0 {
			return none, false
		}
		if a.Type == "table" && a.Data.Kind() != '"' { // clients read tables from a text
			text, err := jsontext.AppendQuote(nil, string(a.Data))
			if err != nil {
				return none, false
			}
			a.Data = text
		}
		return artifact(key, a.Type, a.Description, a.Data), true
	}
	return none, false
}

func artifact(key, kind, description string, data jsontext.Value) api.ArtifactCreate {
	a := api.ArtifactCreate{Key: api.Some(key), Type: api.Some(kind), Data: api.Some(data)}
	if description != "" {
		a.Description = api.Some(description)
	}
	return a
}

// recordOf is how an artifact reads in the log.
func recordOf(a api.ArtifactCreate) (level int, message string) {
	data, _ := a.Data.Get()
	if a.Type.Or("") == "progress" {
		return LevelOf("INFO"), a.Key.Or("") + ": " + string(data) + " %"
	}
	return LevelOf("INFO"), "Artifact " + a.Key.Or("") + " (" + a.Type.Or("") + ")"
}
