// Package testkit gives tests real parts to work with: the reference (server,
// CLI and SDK, installed from pinned requirements), our own binary built from
// the checkout, running servers of both, and databases. Nothing in it is a
// fake: a part that cannot be had fails the test and says why.
//
// Everything a part writes is below a directory of its own, and no setting of
// the person who runs the tests reaches it. Only tests and the programs below
// internal/tools may import this package.
package testkit
