// Package environment makes Python environments from what a directory says its code needs:
// a lock of uv, Poetry or the standard format, a requirements file, or a pyproject.toml. Each
// is made once on a machine and kept under the hash of all that decides what is in it: the
// files, the interpreter, the platform, and where packages come from. It is made with uv where
// there is one, else with pip.
//
// On disk a key has a folder: lock (had alone by who makes or removes the environment, shared
// by who uses it), ready.json (which folder beside it is whole), and that folder. An
// environment is only ever used through ready.json, which is written last; what a killed
// installer left behind is removed by the next one.
package environment
