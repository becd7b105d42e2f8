package automation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	_ "github.com/usherhq/usher/internal/rules/automation" // reads triggers and actions
)

// TestDeepUnionsAreJudgedQuickly refuses triggers within triggers, of which each level
// would double what there is to say.
func TestDeepUnionsAreJudgedQuickly(t *testing.T) {
	t.Parallel()
	const depth = 200
	body := `{"name":"a","actions":[],"trigger":` + strings.Repeat(`{"triggers":[`, depth) + `{}` + strings.Repeat(`],"within":1}`, depth) + `}`
	started := time.Now()
	var in api.AutomationCreate
	if err := api.Refused(jsontext.Value(body), &in); len(api.ViolationsOf(err)) < 10 || len(err.Error()) > 1000 {
		t.Errorf("got %v", err)
	}
	if spent := time.Since(started); spent > 10*time.Second {
		t.Errorf("it took %s", spent)
	}
}
