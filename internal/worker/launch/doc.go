// Package launch starts programs so that they outlive the worker: each runs below a small
// process of our own binary (the keeper) in a session of its own, writes to a file instead
// of a pipe, and leaves its exit code in a file. A worker that was killed finds them again
// with Adopt.
//
// What a program leaves in its directory: launch.json (what was asked for), process.json
// (the keeper and the program), out (all it printed), exit.json (how it ended).
package launch
