// Package trigger decides when automations fire: which events a trigger counts, in which
// buckets, and what follows when a bucket is full, or is over and is not. It is pure: the
// caller brings what is stored, the events, the time and new ids, and stores the changes.
//
// A trigger that waits for events keeps one bucket for each value of its for_each labels:
// a window of time and a count. A reactive trigger fires as soon as the count reaches the
// threshold; a proactive one when the window is over and the count is below it. Compound
// and sequence triggers keep the newest firing of each of their triggers instead.
//
// All of it is the reference's behaviour, firing for firing, except that
//
//   - a proactive trigger with after waits for such an event even without for_each; in the
//     reference it fires though nothing has armed it;
//   - a proactive trigger with for_each remembers the values that it has seen when their
//     events did come; the reference forgets them, and so never fires again for those
//     whose events stay away later;
//   - a trigger does not count what its own automation does unless it names such events:
//     one that waits for anything would answer to itself for ever.
package trigger
