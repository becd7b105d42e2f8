package testkit

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

const checkEvery = 25 * time.Millisecond

// Eventually calls check again and again until it returns nil, and fails the
// test with its last error if that takes longer than patience.
func Eventually(t testing.TB, patience time.Duration, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := Until(ctx, check); err != nil {
		t.Fatalf("after %s: %v", patience, err)
	}
}

// Until calls check again and again until it returns nil or ctx ends.
func Until(ctx context.Context, check func() error) error {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		if end := (*finalError)(nil); errors.As(err, &end) {
			return end.error
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", err, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// Final marks an error of a check after which asking again is useless.
func Final(err error) error { return &finalError{err} }

type finalError struct{ error }

func (e *finalError) Unwrap() error { return e.error }
