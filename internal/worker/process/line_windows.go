package process

import (
	"net"
	"os"

	"github.com/usherhq/usher/internal/api"
)

// CanWarm says whether interpreters can be kept warm on this system.
const CanWarm = false

func newLine() (net.Conn, *os.File, error) {
	return nil, nil, api.Errorf(api.CodeUnsupported, "interpreters can't be kept warm on Windows")
}
