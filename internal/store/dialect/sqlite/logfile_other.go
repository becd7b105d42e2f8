//go:build !linux

package sqlite

// gatheringVFS is no layer of its own here.
func gatheringVFS() string { return "" }
