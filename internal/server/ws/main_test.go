package ws_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a server that was stopped leaves something running.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/usherhq/usher/internal/testkit.(*postgresServer).watched.func1"), // it ends after us
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}
