package cli

import (
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/output"
)

// ResultFlags are OutputFlags for a command that makes, changes or removes something: people are
// told in words, so only the forms for programs can be asked for.
func ResultFlags(cmd *cobra.Command, options *output.Options, fields []string) {
	outputFlags(cmd, options, fields, []string{output.JSON, output.YAML})
}

// Result tells what a command made, changed or removed: programs get the thing itself on
// standard output, people the words on standard error. A thing that is gone is told as it was.
func Result[T any](e *Env, options output.Options, thing T, words string, args ...any) error {
	return ResultOf(e, options, func() (T, error) { return thing, nil }, words, args...)
}

// ResultOf is Result for a thing that would have to be read again: it is when a program asks.
func ResultOf[T any](e *Env, options output.Options, read func() (T, error), words string, args ...any) error {
	printer := e.Printer(options)
	if !printer.Structured() {
		e.Sayf(words, args...)
		return nil
	}
	thing, err := read()
	if err != nil {
		return err
	}
	return printer.Value(thing)
}

// Results is Result for verbs that take several things: a list, however many there were.
func Results[T any](e *Env, options output.Options, things []T, words string, args ...any) error {
	if things == nil {
		things = []T{}
	}
	return Result(e, options, things, words, args...)
}
