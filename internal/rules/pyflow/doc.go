// Package pyflow reads flows from Python source without running it: name, description,
// version and the schema of the parameters, exactly as the SDK would tell them.
//
// It knows a part of Python, and says so: what it can't tell with certainty (a name that is
// bound twice, a type of another library, a default that is computed) is an Unknown error,
// and the flow has to be asked for with an interpreter. It never guesses.
package pyflow
