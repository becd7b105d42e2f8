// Package native executes flow runs whose flow is a program: it plays the part that the
// Python engine plays for Python flows. It proposes the states, starts the program, ships
// what it prints as log records, and turns its exit code into the run's final state. The
// worker uses it in-process; `usher exec` uses it below any other worker.
package native
