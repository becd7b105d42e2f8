//go:build !unix

package frugal

import "time"

func used() (time.Duration, bool) { return 0, false }
