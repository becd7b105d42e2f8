//go:build !linux

package frugal

// forgetCode does nothing: the system is not told how.
func forgetCode() {}
