package core

import (
	"errors"

	"github.com/usherhq/usher/internal/rules/jinja"
)

// TemplateProblem is what is wrong with a template, and in which line.
type TemplateProblem struct {
	Line    int    `json:"line"`
	Message string `json:"message"`
	Source  string `json:"source"`
}

// ValidateTemplate says what is wrong with a template; nil if nothing is.
func (c *Core) ValidateTemplate(source string) *TemplateProblem {
	var problem *jinja.Error
	if !errors.As(jinja.Validate(source), &problem) {
		return nil
	}
	return &TemplateProblem{Line: problem.Line, Message: problem.Message, Source: source}
}
