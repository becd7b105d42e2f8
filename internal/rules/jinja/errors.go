package jinja

import "fmt"

// Error is what is wrong with a template, or went wrong in it.
type Error struct {
	Kind    string // the class that the reference raises
	Message string
	Line    int // 0 when no line is to blame
}

const (
	syntaxError    = "TemplateSyntaxError"
	assertionError = "TemplateAssertionError"
	securityError  = "TemplateSecurityError"
	typeError      = "TypeError"
	valueError     = "ValueError"
	undefinedError = "UndefinedError"
	overflowError  = "OverflowError"
	argumentError  = "FilterArgumentError"
)

// Error says what is wrong, in the reference's words.
func (e *Error) Error() string { return e.Message }

// RenderError is the error of a template that could be read and not rendered.
type RenderError struct{ Cause *Error }

// Error is the sentence of the reference.
func (e *RenderError) Error() string {
	cause := e.Cause.Kind + "(" + reprText(e.Cause.Message) + ")"
	if e.Cause.Message == "" {
		cause = e.Cause.Kind + "()"
	}
	return "Failed to render template due to the following error: " + cause
}

// Unwrap gives the cause.
func (e *RenderError) Unwrap() error { return e.Cause }

// fail ends the rendering or reading that is under way; catch is its other end.
func fail(kind, format string, args ...any) {
	panic(&Error{Kind: kind, Message: fmt.Sprintf(format, args...)})
}

func catch(err **Error) {
	switch caught := recover().(type) {
	case nil:
	case *Error:
		*err = caught
	default:
		panic(caught)
	}
}
