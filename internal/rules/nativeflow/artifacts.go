package nativeflow

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
)

// Artifact is a line that makes an artifact: "::artifact:: key {…}" with its type, data and
// description as JSON, or "::progress:: key 40". Whether the key is one that the API takes is
// for the API to say.
type Artifact struct{ Create api.ArtifactCreate }

func readProgress(text string) Told {
	key, body, _ := strings.Cut(text, " ")
	percent, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(body), "%"), 64)
	if err != nil || percent < 0 || percent > 100 {
		return nil
	}
	return artifact(key, "progress", "", jsontext.Value(strconv.FormatFloat(percent, 'f', -1, 64)))
}

func readArtifact(text string) Told {
	key, body, _ := strings.Cut(text, " ")
	var a struct {
		Type        string         `json:"type"`
		Data        jsontext.Value `json:"data"`
		Description string         `json:"description"`
	}
	if json.Unmarshal([]byte(body), &a) != nil || a.Type == "" || len(a.Data) == 0 {
		return nil
	}
	if a.Type == "table" && a.Data.Kind() != '"' { // clients read tables from a text
		text, err := jsontext.AppendQuote(nil, string(a.Data))
		if err != nil {
			return nil
		}
		a.Data = text
	}
	return artifact(key, a.Type, a.Description, a.Data)
}

func artifact(key, kind, description string, data jsontext.Value) Artifact {
	a := api.ArtifactCreate{Key: api.Some(key), Type: api.Some(kind), Data: api.Some(data)}
	if description != "" {
		a.Description = api.Some(description)
	}
	return Artifact{a}
}

func (a Artifact) record() (level int, message string) {
	key, kind := a.Create.Key.Or(""), a.Create.Type.Or("")
	if data, _ := a.Create.Data.Get(); kind == "progress" {
		return LevelOf("INFO"), key + ": " + string(data) + " %"
	}
	return LevelOf("INFO"), "Artifact " + key + " (" + kind + ")"
}
