package output

import (
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/usherhq/usher/internal/api"
)

// Tone is what a piece of text means.
type Tone int

// The tones.
const (
	Plain   Tone = iota
	Heading      // column heads and labels
	Strong       // the thing itself: a name
	Dim          // of little interest
	Good         // finished well
	Bad          // failed
	Warn         // needs a look
	Active       // going on
	Waiting      // not yet
)

// StateTone returns the tone of a run's state.
func StateTone(state api.StateType) Tone {
	switch state {
	case api.StateTypeCompleted:
		return Good
	case api.StateTypeFailed, api.StateTypeCrashed:
		return Bad
	case api.StateTypeRunning:
		return Active
	case api.StateTypePending, api.StateTypeScheduled:
		return Waiting
	case api.StateTypeCancelling, api.StateTypePaused:
		return Warn
	case api.StateTypeCancelled:
		return Dim
	}
	return Plain
}

// colors are in the middle between black and white, so that they can be read on dark and on light
// backgrounds without asking the terminal which it has: what most palettes call yellow or cyan
// can't be read on white, and their blue not on black.
var colors = map[Tone]ansi.IndexedColor{
	Dim:     243,
	Good:    28,
	Bad:     160,
	Warn:    130,
	Active:  27,
	Waiting: 30,
}

func (t Tone) style() lipgloss.Style {
	style := lipgloss.NewStyle()
	switch t {
	case Heading:
		return style.Faint(true)
	case Strong:
		return style.Bold(true)
	case Plain, Dim, Good, Bad, Warn, Active, Waiting:
	}
	if color, has := colors[t]; has {
		return style.Foreground(color)
	}
	return style
}

// Paint colours text for stdout; without colour there it returns it as it is.
func (p *Printer) Paint(text string, tone Tone) string { return p.painter()(text, tone) }

func (p *Printer) painter() func(string, Tone) string {
	if !p.streams.OutColor() {
		return func(text string, _ Tone) string { return text }
	}
	return Paint
}

// Paint colours one line of text whatever the terminal.
func Paint(text string, tone Tone) string {
	if tone == Plain || text == "" {
		return text
	}
	return tone.style().Render(text)
}
