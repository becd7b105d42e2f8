package term

// DisableColor turns colour off whatever the terminal can do: the user's
// setting says so.
func (s *Streams) DisableColor() { s.plain = true }

// OutColor reports whether text on Out may carry colour.
func (s *Streams) OutColor() bool { return s.color(s.OutIsTerminal()) }

// ErrColor reports whether text on Err may carry colour.
func (s *Streams) ErrColor() bool { return s.color(s.ErrIsTerminal()) }

// color follows the conventions in their usual order: NO_COLOR beats all,
// then CLICOLOR_FORCE (and FORCE_COLOR, which the reference obeys), then what
// the terminal can do.
func (s *Streams) color(terminal bool) bool {
	switch {
	case s.plain || s.env("NO_COLOR") != "":
		return false
	case forced(s.env("CLICOLOR_FORCE")) || forced(s.env("FORCE_COLOR")):
		return true
	case s.dumb() || s.env("CLICOLOR") == "0":
		return false
	}
	return terminal
}

// dumb reports whether the terminal can neither colour nor move its cursor.
func (s *Streams) dumb() bool { return s.env("TERM") == "dumb" }

func forced(value string) bool { return value != "" && value != "0" }
