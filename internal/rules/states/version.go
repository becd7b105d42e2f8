package states

import (
	"slices"
	"strconv"
	"strings"
)

// managesSlotItself says that a worker of this version takes the deployment's slot
// through the concurrency API.
func managesSlotItself(version string) bool {
	switch version {
	case "3.0.0rc20", "3.0.0", "3.0.1", "3.0.2", "3.0.3":
		return true
	}
	return false
}

// renewsLeases says that a client of this version (3.4.11 or later) renews the lease of
// its slot while it runs. An unknown version does not.
func renewsLeases(version string) bool { return IsSince(version, 3, 4, 11) }

// IsSince says that a version of the Prefect SDK is a release, or one that follows it. A
// version that is no version is none.
func IsSince(version string, major, minor, patch int) bool {
	first, rest, _ := strings.Cut(version, ".")
	second, rest, _ := strings.Cut(rest, ".")
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	third, suffix := rest[:digits], rest[digits:]
	number, since := [3]int{atoi(first), atoi(second), atoi(third)}, [3]int{major, minor, patch}
	if number != since {
		return slices.Compare(number[:], since[:]) > 0
	}
	return !isPreRelease(suffix)
}

// isPreRelease reads the end of a Python version: rc1, a2, b3, .dev4.
func isPreRelease(suffix string) bool {
	switch {
	case suffix == "", strings.HasPrefix(suffix, "+"), strings.HasPrefix(suffix, ".post"):
		return false
	}
	return true
}

// atoi reads digits; anything else is 0, the oldest.
func atoi(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}
