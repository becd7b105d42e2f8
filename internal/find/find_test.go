package find_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/find"
)

func TestID(t *testing.T) {
	t.Parallel()
	const id = "0198c6a2-6f0e-7c7e-b1f5-2f3f8e1f7c11"
	for _, text := range []string{
		id, "0198C6A2-6F0E-7C7E-B1F5-2F3F8E1F7C11", "0198c6a26f0e7c7eb1f52f3f8e1f7c11", "http://localhost:4200/runs/flow-run/" + id,
		"https://app.example.com/account/5f0c2a0e-1a53-4b7e-9a0f-0d2c5a1f4b11/workspace/5f0c2a0e-1a53-4b7e-9a0f-0d2c5a1f4b12/runs/flow-run/" + id + "?tab=Logs#last",
	} {
		got, ok := find.ID(text)
		if !ok || got.String() != id {
			t.Errorf("%s: %s, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "curious-badger", id[:23], "ftp://host/" + id, "http://localhost:4200/runs", "etl/" + id} {
		if got, ok := find.ID(text); ok {
			t.Errorf("%q is taken for the id %s", text, got)
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ there, limit, want, requests int }{
		{0, 0, 0, 1}, {3, 0, 3, 1}, {200, 0, 200, 2}, {450, 0, 450, 3}, {450, 15, 15, 1}, {450, 200, 200, 1}, {450, 250, 250, 2}, {3, 15, 3, 1},
	} {
		requests := 0
		got, err := find.Pages(c.limit, func(offset, limit int) ([]int, error) {
			requests++
			return make([]int, max(0, min(limit, c.there-offset))), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int{c.want, c.requests}, []int{len(got), requests}); diff != "" {
			t.Errorf("%+v: -want +got:\n%s", c, diff)
		}
	}
	broken := errors.New("broken")
	if _, err := find.Pages(0, func(int, int) ([]int, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}
