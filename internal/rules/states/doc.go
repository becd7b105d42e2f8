// Package states decides how runs change state: the ordered rules that every proposed
// state of a flow run or task run passes, and what the server records about a run on
// the way. It is pure. A caller reads an Input (Needs says which facts), calls Decide,
// and writes what the Decision says in the same transaction:
//
//	in := states.Input{Kind: states.FlowRun, Current: current, Proposed: proposed, ...}
//	needs := states.Needs(&in) // load these facts into in, limits locked
//	decision := states.Decide(&in, now)
//	// write decision.State, decision.Run, decision.Effects; answer decision.Result(current)
//
// Where is a transition decided? table.go lists the rules in their order, one table per
// kind of run and policy; each rule lives in its own file.
package states
