//go:build !linux

package sqlite

// gatheringVFS is no layer of its own here.
func gatheringVFS() string { return "" }

// settler returns what waits for the disk, which SQLite's own layer has done.
func settler(string) func() error { return func() error { return nil } }
