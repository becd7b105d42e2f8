package names

import (
	"regexp"
	"slices"
	"testing"
)

func TestPickGivesEveryNameOnce(t *testing.T) {
	t.Parallel()
	n := uint64(len(adjectives) * len(animals))
	if n < 50_000 {
		t.Errorf("there are only %d names", n)
	}
	shape, seen := regexp.MustCompile(`^[a-z]+-[a-z]+$`), map[string]bool{}
	for i := range n {
		name := Pick(i)
		if seen[name] {
			t.Fatalf("%s comes twice", name)
		}
		if !shape.MatchString(name) {
			t.Errorf("%q is not two words", name)
		}
		seen[name] = true
	}
	if Pick(n) != Pick(0) {
		t.Error("numbers beyond the names do not start again")
	}
}

func TestWordsAreUnique(t *testing.T) {
	t.Parallel()
	for _, words := range [][]string{adjectives[:], animals[:]} {
		sorted := slices.Sorted(slices.Values(words))
		if unique := slices.Compact(slices.Clone(sorted)); len(unique) != len(words) {
			t.Errorf("%d words, %d of them unique", len(words), len(unique))
		}
	}
}
