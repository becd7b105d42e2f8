package names

import "math/rand/v2"

// Random returns the name that the next number of rnd stands for.
func Random(rnd *rand.Rand) string { return Pick(rnd.Uint64()) }
