package api

import (
	"time"

	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// Code says what kind of failure an Error is. The server maps it to a status, the
// client maps the status back, the CLI maps it to an exit code.
type Code string

// The codes of an Error.
const (
	CodeInvalid         Code = "invalid"
	CodeMalformed       Code = "malformed" // as invalid, where the contract answers 400
	CodeTooLarge        Code = "too_large"
	CodeMediaType       Code = "media_type" // a body in a form that nobody reads
	CodeUnauthenticated Code = "unauthenticated"
	CodeForbidden       Code = "forbidden"
	CodeNotFound        Code = "not_found"
	CodeConflict        Code = "conflict"
	CodeLocked          Code = "locked"
	CodeRateLimited     Code = "rate_limited"
	CodeUnavailable     Code = "unavailable"
	CodeUnsupported     Code = "unsupported"
	CodeInternal        Code = "internal"
)

// Status is the HTTP status that a code is answered with.
func (c Code) Status() int {
	switch c {
	case CodeInvalid:
		return 422
	case CodeMalformed:
		return 400
	case CodeTooLarge:
		return 413
	case CodeMediaType:
		return 415
	case CodeUnauthenticated:
		return 401
	case CodeForbidden:
		return 403
	case CodeNotFound:
		return 404
	case CodeConflict:
		return 409
	case CodeLocked:
		return 423
	case CodeRateLimited:
		return 429
	case CodeUnavailable:
		return 503
	case CodeUnsupported:
		return 501
	}
	return 500
}

// Error is usher's one error type: a code for programs, a message for the user that
// says what failed and what to do, and optionally the detail that goes on the wire
// and the cause for the log.
type Error struct {
	Code    Code
	Message string
	Detail  jsontext.Value // overrides the wire's detail when not empty
	Cause   error
	// RetryAfter is how long to wait before trying again, where the answer says so.
	RetryAfter time.Duration
	// Violations are what is wrong with a request; Detail words them for the wire.
	Violations []Violation

	repeats bool // Detail has the body of the request
}

// Error returns the message, or the cause's when there is none.
func (e *Error) Error() string {
	if e.Message == "" && e.Cause != nil {
		return e.Cause.Error()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Errorf makes an Error. A trailing %w argument becomes its cause.
func Errorf(code Code, format string, args ...any) *Error {
	wrapped := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: wrapped.Error(), Cause: errors.Unwrap(wrapped)}
}

// NotFound makes the error of an object that is not there; what names its kind.
func NotFound(what string) *Error { return Errorf(CodeNotFound, "%s not found", what) }

// CodeOf returns the code of err: that of the *Error in its chain, "" for nil, else internal.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}

// ViolationsOf returns what is wrong with a request as err tells it, nil for other errors.
func ViolationsOf(err error) []Violation {
	var e *Error
	if errors.As(err, &e) {
		return e.Violations
	}
	return nil
}
