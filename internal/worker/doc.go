// Package worker takes scheduled flow runs of a work pool and sees that they are executed.
// It calls out only and listens nowhere. Against a control plane of ours it is told of
// runs the moment they are due; against any other it asks.
//
// What the worker knows of a run that it holds is on disk (journal.go), so that a worker
// that was killed leaves nothing stuck: the next one finds the processes that go on, the
// ones that ended meanwhile, and the runs that were claimed but never started.
package worker
