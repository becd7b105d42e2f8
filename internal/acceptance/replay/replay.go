// Package replay holds the server to what the reference's server answers:
// scripts of requests in testdata/*.http, and beside each, in a .golden file,
// the answers that the reference gave to them, status and body, with ids and
// times replaced by placeholders.
//
// The test plays every script against our server and compares. Run with
// USHER_REPLAY=record it plays them against the reference instead and writes
// the answers down; with USHER_REPLAY=reference it compares the reference with
// its own record.
package replay

import (
	"fmt"
	"strings"
)

// Step is one request of a script.
type Step struct {
	// Comment says what the step is about.
	Comment string
	Method  string
	// Path and Body may name variables: $run is the value kept as run before,
	// $now, $now+1h and $now-30s are instants.
	Path, Body string
	// Keep maps names of variables to members of the answer, as in "state.id".
	Keep map[string]string
	// Ordered says that the answer's order counts, though it is not that of names.
	Ordered bool
	// Differs says why our answer is another one than the reference's. Then
	// the bodies are not compared, and the status must be OurStatus if that is
	// not empty.
	Differs, OurStatus string
}

// Parse reads a script: steps are separated by blank lines. A step is an
// optional comment, a line with method and path, the body, and lines such as
// "=> run id" for what is kept of the answer. "<> 409 reason" or "<> reason"
// declares a deviation.
func Parse(script string) ([]Step, error) {
	var steps []Step
	for block := range strings.SplitSeq(script, "\n\n") {
		step, err := parseStep(strings.Trim(block, "\n"))
		if err != nil {
			return nil, err
		}
		if step.Method != "" {
			steps = append(steps, step)
		}
	}
	return steps, nil
}

func parseStep(block string) (Step, error) {
	step := Step{Keep: map[string]string{}}
	for line := range strings.Lines(block) {
		text := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(text, "#") && step.Method == "":
			step.Comment += strings.TrimLeft(text, "# ") + " "
		case step.Method == "":
			method, path, found := strings.Cut(text, " ")
			if !found {
				return step, fmt.Errorf("%q is no request line", text)
			}
			step.Method, step.Path = method, path
		case strings.HasPrefix(text, "=> "):
			name, member, found := strings.Cut(text[len("=> "):], " ")
			if !found {
				return step, fmt.Errorf("%q does not say what to keep", text)
			}
			step.Keep[name] = member
		case strings.HasPrefix(text, "<> "):
			step.OurStatus, step.Differs = deviation(text[len("<> "):])
		default:
			step.Body += line
		}
	}
	return step, nil
}

func deviation(text string) (status, reason string) {
	if first, rest, _ := strings.Cut(text, " "); len(first) == 3 && strings.Trim(first, "0123456789") == "" {
		return first, rest
	}
	return "", text
}
