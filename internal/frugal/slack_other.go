//go:build !linux

package frugal

// Relax does nothing here.
func Relax() {}
