// Package process runs Python flows as processes on the worker's machine: it finds the
// interpreter, starts the engine below a keeper in a working directory of its own, speaks
// the engine's control channel so that a cancellation is told from a crash, and copies the
// output where the worker wants it.
package process
