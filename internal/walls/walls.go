// Package walls holds the tests of who may import whom: see docs/architecture/README.md.
package walls
