package top

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// tab is what the screen shows.
type tab int

const (
	runsTab tab = iota
	workersTab
	queuesTab
	logsTab
	tabs
)

// model is the state of the screen. Update is the only one to change it.
type model struct {
	ctx      context.Context //nolint:containedctx // the program's: its commands are made in Update
	reader   *reader
	interval time.Duration
	now      func() time.Time
	color    bool

	width, height int
	tab           tab
	cursor        [tabs]int
	held          bool   // the picture stays as it is
	typing        bool   // a filter
	filter        string // part of the names that are shown
	run           *api.FlowRunResponse
	lines         []api.Log
	seen          *snapshot
	trouble       error // of the last look
}

// The messages that reading ends with.
type (
	looked struct {
		snapshot *snapshot
		err      error
	}
	heard struct {
		run   uuid.UUID
		lines []api.Log
		err   error
	}
	due struct{}
)

// Init begins to look.
func (m *model) Init() tea.Cmd { return m.later() }

func (m *model) later() tea.Cmd {
	return tea.Tick(m.interval, func(time.Time) tea.Msg { return due{} })
}

func (m *model) look() tea.Cmd {
	return func() tea.Msg {
		s, err := m.reader.read(m.ctx)
		return looked{s, err}
	}
}

func (m *model) listen() tea.Cmd {
	if m.run == nil {
		return nil
	}
	run := m.run.ID
	return func() tea.Msg {
		lines, err := m.reader.logs(m.ctx, run)
		return heard{run, lines, err}
	}
}

// Update takes in a key, a new size or what was read.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case due:
		if m.held {
			return m, m.later()
		}
		return m, tea.Sequence(tea.Batch(m.look(), m.listen()), m.later())
	case looked:
		if m.trouble = msg.err; msg.err == nil {
			m.seen = msg.snapshot
			m.keepRun()
		}
	case heard:
		if msg.err == nil && m.run != nil && msg.run == m.run.ID {
			atEnd := m.cursor[logsTab] >= len(m.lines)-1
			if m.lines = msg.lines; atEnd {
				m.cursor[logsTab] = max(0, len(m.lines)-1)
			}
		}
	case tea.KeyPressMsg:
		return m.key(msg)
	}
	m.clamp()
	return m, nil
}

// keepRun takes the newer state of the run whose log is shown.
func (m *model) keepRun() {
	for i := range m.seen.runs {
		if m.run != nil && m.seen.runs[i].ID == m.run.ID {
			m.run = &m.seen.runs[i]
		}
	}
}

func (m *model) key(msg tea.KeyPressMsg) (tea.Model, tea.Cmd) {
	if msg.String() == "ctrl+c" {
		return m, tea.Interrupt
	}
	if m.typing {
		m.edit(msg)
		m.clamp()
		return m, nil
	}
	var cmd tea.Cmd
	switch msg.String() {
	case "q":
		return m, tea.Quit
	case "1", "2", "3", "4":
		m.tab = tab(msg.String()[0] - '1')
	case "tab", "right", "l":
		m.tab = (m.tab + 1) % tabs
	case "shift+tab", "left", "h":
		m.tab = (m.tab + tabs - 1) % tabs
	case "enter":
		cmd = m.open()
	case "esc":
		m.back()
	case "/":
		m.typing = true
	case "space", " ":
		m.held = !m.held
	case "r":
		cmd = tea.Batch(m.look(), m.listen())
	default:
		m.move(msg.String())
	}
	m.clamp()
	return m, cmd
}

func (m *model) move(key string) {
	at := &m.cursor[m.tab]
	switch key {
	case "up", "k":
		*at--
	case "down", "j":
		*at++
	case "pgup":
		*at -= m.room()
	case "pgdown":
		*at += m.room()
	case "home", "g":
		*at = 0
	case "end", "G":
		*at = len(m.rows()) - 1
	}
}

// edit changes the filter.
func (m *model) edit(msg tea.KeyPressMsg) {
	switch msg.String() {
	case "enter":
		m.typing = false
	case "esc":
		m.typing, m.filter = false, ""
	case "backspace":
		if _, size := utf8.DecodeLastRuneInString(m.filter); size > 0 {
			m.filter = m.filter[:len(m.filter)-size]
		}
	default:
		m.filter += msg.Text
	}
}

// open shows the log of the chosen run.
func (m *model) open() tea.Cmd {
	runs := m.runs()
	if m.tab != runsTab || m.cursor[runsTab] >= len(runs) {
		return nil
	}
	m.run, m.lines, m.tab, m.filter = &runs[m.cursor[runsTab]], nil, logsTab, ""
	m.cursor[logsTab] = 0
	return m.listen()
}

func (m *model) back() {
	m.filter = ""
	if m.tab == logsTab {
		m.tab = runsTab
	}
}

// clamp keeps the chosen line among those that are there.
func (m *model) clamp() {
	if m.seen != nil {
		m.cursor[m.tab] = max(0, min(m.cursor[m.tab], len(m.rows())-1))
	}
}

// runs are those that the filter leaves.
func (m *model) runs() []api.FlowRunResponse {
	if m.filter == "" {
		return m.seen.runs
	}
	var left []api.FlowRunResponse
	for _, r := range m.seen.runs {
		if m.fits(r.Name, m.seen.flows[r.FlowID]) {
			left = append(left, r)
		}
	}
	return left
}

func (m *model) fits(texts ...string) bool {
	for _, text := range texts {
		if strings.Contains(strings.ToLower(text), strings.ToLower(m.filter)) {
			return true
		}
	}
	return m.filter == ""
}
