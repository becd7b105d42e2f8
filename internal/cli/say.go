package cli

import (
	"context"
	"fmt"

	"github.com/usherhq/usher/internal/auth"
	"github.com/usherhq/usher/internal/output"
)

// Say writes a line of talk to stderr: what was done, what happens next. Keys and passwords are
// taken out of it.
func (e *Env) Say(text string) { fmt.Fprintln(e.Streams.Err, e.Streams.WrapErr(auth.Redact(text))) }

// Sayf is Say with a format.
func (e *Env) Sayf(format string, args ...any) { e.Say(fmt.Sprintf(format, args...)) }

// Warn writes a warning to stderr.
func (e *Env) Warn(text string) { e.Say(e.PaintErr("warning:", output.Warn) + " " + text) }

// PaintErr colours text for stderr, if that may be.
func (e *Env) PaintErr(text string, tone output.Tone) string {
	if !e.Streams.ErrColor() {
		return text
	}
	return output.Paint(text, tone)
}

// Interactive reports whether questions may be asked: --prompt or --no-prompt,
// else the setting, else whether a person sits at the terminal.
func (e *Env) Interactive() bool {
	if value, given := e.prompt.Get(); given {
		return value
	}
	if settings, err := e.settings(); err == nil {
		if v := settings.Value("PREFECT_CLI_PROMPT"); v.IsSet() {
			return v.Bool()
		}
	}
	return e.Streams.CanPrompt()
}

// ErrDeclined says that the user answered no.
var ErrDeclined = Fail(Failure, "nothing was changed", "")

// Confirm asks before something is removed. Scripts are not asked: like in the
// reference they delete at once. yes is the --yes flag.
func (e *Env) Confirm(ctx context.Context, yes bool, format string, args ...any) error {
	if yes || !e.Interactive() {
		return nil
	}
	return e.agree(ctx, fmt.Sprintf(format, args...))
}

// ConfirmAlways asks before something that is not undone easily; a script has to
// say --yes.
func (e *Env) ConfirmAlways(ctx context.Context, yes bool, format string, args ...any) error {
	question := fmt.Sprintf(format, args...)
	if yes {
		return nil
	}
	if !e.Interactive() {
		return Usagef("this needs a yes, and there is nobody to ask: %s", question).hint("say --yes to go ahead")
	}
	return e.agree(ctx, question)
}

func (e *Env) agree(ctx context.Context, question string) error {
	yes, err := e.Streams.Confirm(ctx, question, false)
	if err != nil {
		return err
	}
	if !yes {
		return ErrDeclined
	}
	return nil
}
