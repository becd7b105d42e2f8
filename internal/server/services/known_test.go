package services

import (
	"log/slog"
	"slices"
	"testing"

	"github.com/usherhq/usher/internal/server/bus"
	"github.com/usherhq/usher/internal/server/core"
)

func TestEveryServiceIsKnown(t *testing.T) {
	t.Parallel()
	var want, got []string
	for _, s := range All(&core.Core{Bus: &bus.Bus{}}, slog.Default(), Options{}) {
		want = append(want, s.Name())
	}
	for _, about := range Known() {
		got = append(got, about.Name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("known are %q, there are %q", got, want)
	}
}
