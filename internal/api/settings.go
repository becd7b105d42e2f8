package api

import (
	_ "embed"

	"github.com/go-json-experiment/json/jsontext"
)

//go:embed settings_gen.json
var settingsJSON []byte

// DefaultSettings is the contract's settings object with the defaults of the contract,
// which holds no secrets.
func DefaultSettings() jsontext.Value { return settingsJSON }
