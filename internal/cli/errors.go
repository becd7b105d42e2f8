package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/profile"
)

// ExitCode is what the program ends with; `usher help exit-codes` explains them.
type ExitCode int

// The exit codes.
const (
	OK          ExitCode = 0
	Failure     ExitCode = 1
	Usage       ExitCode = 2
	NoSuch      ExitCode = 3
	AuthNeeded  ExitCode = 4
	Refused     ExitCode = 5
	Unreachable ExitCode = 6
	TimedOut    ExitCode = 7
	RunFailed   ExitCode = 8
	Interrupted ExitCode = 130
)

// Error is a failure with an exit code of its own and a hint what to do. With an
// empty message nothing is printed: the command has said it all.
type Error struct {
	Code    ExitCode
	Message string
	Hint    string
	Cause   error
}

// Error returns the message, or the cause's.
func (e *Error) Error() string {
	if e.Message == "" && e.Cause != nil {
		return e.Cause.Error()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// WithHint adds what the user can do.
func (e *Error) WithHint(hint string) *Error {
	e.Hint = hint
	return e
}

func (e *Error) hint(format string, args ...any) *Error {
	return e.WithHint(fmt.Sprintf(format, args...))
}

// Fail makes an error with an exit code, a message and a hint ("" for none).
func Fail(code ExitCode, message, hint string, args ...any) *Error {
	return (&Error{Code: code, Message: message}).hint(hint, args...)
}

// Usagef makes the error of a command line that makes no sense.
func Usagef(format string, args ...any) *Error {
	return &Error{Code: Usage, Message: fmt.Sprintf(format, args...)}
}

// Quiet ends the program with a code and without another word.
func Quiet(code ExitCode) error { return &Error{Code: code} }

// WithHint adds what the user can do to an error, which keeps its exit code.
func WithHint(err error, format string, args ...any) error {
	return (&Error{Code: ExitCodeOf(err), Cause: err}).hint(format, args...)
}

// ExitCodeOf is the one place where an error becomes an exit code.
func ExitCodeOf(err error) ExitCode {
	var own *Error
	switch {
	case err == nil:
		return OK
	case errors.As(err, &own):
		return own.Code
	case errors.Is(err, context.Canceled):
		return Interrupted
	case errors.Is(err, context.DeadlineExceeded):
		return TimedOut
	}
	switch api.CodeOf(err) {
	case api.CodeNotFound:
		return NoSuch
	case api.CodeUnauthenticated:
		return AuthNeeded
	case api.CodeForbidden, api.CodeConflict, api.CodeLocked:
		return Refused
	case api.CodeUnavailable:
		return Unreachable
	case api.CodeInvalid, api.CodeRateLimited, api.CodeUnsupported, api.CodeInternal:
	}
	return Failure
}

// Report splits an error into what failed and what to do about it.
func Report(err error) (message, hint string) {
	var own *Error
	message = err.Error()
	if errors.As(err, &own) {
		hint = own.Hint
	}
	first, rest, _ := strings.Cut(message, "\n")
	if hint == "" {
		hint = rest
		return first, hint
	}
	return message, hint
}

// explainProfile adds the nearest name to the error of an unknown profile.
func explainProfile(err error) error {
	var unknown *profile.UnknownError
	if !errors.As(err, &unknown) {
		return err
	}
	return NotFound("profile", unknown.Name, unknown.Known)
}
