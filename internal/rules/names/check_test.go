package names_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/names"
)

func TestRandomFollowsItsSource(t *testing.T) {
	t.Parallel()
	one, two := rand.New(rand.NewPCG(7, 7)), rand.New(rand.NewPCG(7, 7))
	for range 100 {
		if got, want := names.Random(one), names.Pick(two.Uint64()); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind   names.Kind
		name   string
		reason string // empty: accepted
	}{
		{names.Flow, "my flow: ünïcode #1", ""},
		{names.Flow, "a/b", `Flow name "a/b" must not contain '/'`},
		{names.Flow, "50%", "must not contain '%'"},
		{names.Flow, "", "Flow name cannot be an empty string"},
		{names.WorkQueue, "a&b", "must not contain '&'"},
		{names.ConcurrencyLimit, "a>b", "must not contain '>'"},
		{names.BlockType, "a<b", "must not contain '<'"},
		{names.WorkPool, "pool 1", ""},
		{names.WorkPool, ` " '`, "Work pool name cannot be an empty string"},
		{names.WorkPool, "a/", "must not contain '/'"},
		{names.Deployment, "", ""},
		{names.Deployment, "a/b", "Deployment name"},
		{names.FlowRun, "a/b <c>", ""},
		{names.TaskRun, "", ""},
		{names.BlockDocument, "my-block-1", ""},
		{names.BlockDocument, "My", "must only contain lowercase letters, numbers, and dashes"},
		{names.BlockDocument, "", "cannot be an empty string"},
		{names.BlockTypeSlug, "s_3", "must only contain lowercase letters"},
		{names.ArtifactKey, "daily-report", ""},
		{names.ArtifactKey, "daily report", "Artifact key"},
		{names.Variable, "my_variable-2", ""},
		{names.Variable, "My", "dashes or underscores"},
		{names.Variable, strings.Repeat("x", 255), ""},
		{names.Variable, strings.Repeat("x", 256), "at most 255 characters, not 256"},
	} {
		err := names.Check(c.kind, c.name)
		if (err == nil) != (c.reason == "") {
			t.Errorf("%s %q: got %v", c.kind, c.name, err)
		}
		if err != nil && (api.CodeOf(err) != api.CodeInvalid || !strings.Contains(err.Error(), c.reason)) {
			t.Errorf("%s %q: got %v, want %q", c.kind, c.name, err, c.reason)
		}
	}
	if err := names.Check("Hat size", "x"); err == nil {
		t.Error("an unknown kind is accepted")
	}
}
