// Package sdk proves the promise that unmodified clients work with our server:
// the reference's SDK, its CLI and its worker, each from the pinned release.
//
// Scripts in testdata/*.py are ordinary Prefect programs that end with a look
// at what the server shows of them, and exit non-zero if it is not what the
// reference's own server would show. Scripts in testdata/cli are command lines
// of the reference's CLI. Run with USHER_SDK_SERVER=reference, both are checked
// against the reference's server, which proves that the scripts are right.
package sdk
