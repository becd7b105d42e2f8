package term

import (
	"context"
	"errors"
	"fmt"

	"charm.land/huh/v2"
)

// CanPrompt reports whether there is a person to ask: all three streams are
// terminals that can move the cursor.
func (s *Streams) CanPrompt() bool {
	return s.InIsTerminal() && s.OutIsTerminal() && s.ErrIsTerminal() && !s.dumb()
}

// Confirm asks a yes/no question; enter alone answers def.
func (s *Streams) Confirm(ctx context.Context, question string, def bool) (bool, error) {
	answer := def
	err := s.ask(ctx, huh.NewConfirm().Title(question).Value(&answer))
	return answer, err
}

// Input asks for a line of text; enter alone answers def.
func (s *Streams) Input(ctx context.Context, question, def string) (string, error) {
	answer := def
	err := s.ask(ctx, huh.NewInput().Title(question).Value(&answer))
	return answer, err
}

// Secret asks for a line of text without showing it.
func (s *Streams) Secret(ctx context.Context, question string) (string, error) {
	var answer string
	err := s.ask(ctx, huh.NewInput().Title(question).EchoMode(huh.EchoModePassword).Value(&answer))
	return answer, err
}

// Select asks for one of the options and returns its index.
func (s *Streams) Select(ctx context.Context, question string, options []string) (int, error) {
	choices := make([]huh.Option[int], len(options))
	for i, option := range options {
		choices[i] = huh.NewOption(option, i)
	}
	var answer int
	err := s.ask(ctx, huh.NewSelect[int]().Title(question).Options(choices...).Value(&answer))
	return answer, err
}

func (s *Streams) ask(ctx context.Context, field huh.Field) error {
	form := huh.NewForm(huh.NewGroup(field)).
		WithShowHelp(false).
		WithAccessible(!s.CanPrompt()).
		WithInput(s.In).
		WithOutput(s.Err)
	if !s.ErrColor() {
		form = form.WithTheme(huh.ThemeFunc(huh.ThemeBase))
	}
	err := form.RunWithContext(ctx)
	if errors.Is(err, huh.ErrUserAborted) {
		return context.Canceled // Ctrl-C, which a form reads as a key
	}
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}
