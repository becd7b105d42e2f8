package jobtemplate

import (
	_ "embed"

	"github.com/go-json-experiment/json/jsontext"
)

//go:embed managed.json
var managed []byte

// Managed is the base job template of pools of the type prefect:managed, which the server
// offers and the executor heeds.
func Managed() jsontext.Value { return jsontext.Value(managed).Clone() }
