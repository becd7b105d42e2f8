package top

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/follow"
	"github.com/usherhq/usher/internal/output"
)

// cell is a piece of a row with its tone.
type cell struct {
	text string
	tone output.Tone
}

// View draws the screen.
func (m *model) View() tea.View {
	v := tea.NewView(m.draw())
	v.AltScreen = true
	v.WindowTitle = "usher top"
	return v
}

// around is how many lines there are besides the rows: title, tabs, heads, an empty line, keys.
const around = 5

func (m *model) room() int { return max(1, m.height-around) }

func (m *model) draw() string {
	if m.seen == nil || m.width == 0 {
		return ""
	}
	lines := []string{m.title(), m.tabLine()}
	rows := m.rows()
	aside := m.aside("")
	l := layOut(m.columns(), rows, m.width-len(aside))
	lines = append(lines, m.paint(aside+m.row(l.heads(), l), output.Heading))
	hidden := m.hidden(rows, l)
	room := max(1, m.room()-len(hidden))
	first := max(0, min(m.cursor[m.tab]-room/2, len(rows)-room))
	for i := first; i < min(len(rows), first+room); i++ {
		line := m.row(rows[i], l)
		if i == m.cursor[m.tab] {
			lines = append(lines, m.chosen(ansi.Strip(line)))
			continue
		}
		lines = append(lines, aside+line)
	}
	if len(rows) == 0 {
		lines = append(lines, m.paint(m.nothing(), output.Dim))
	}
	for len(lines) < m.height-1-len(hidden) {
		lines = append(lines, "")
	}
	lines = append(lines, hidden...)
	return strings.Join(append(lines, m.keys()), "\n")
}

// hidden is what the table could not show of the chosen row, in full.
func (m *model) hidden(rows [][]cell, l layout) []string {
	if len(rows) == 0 {
		return nil
	}
	var texts []string
	for i, c := range rows[m.cursor[m.tab]] {
		if text := safe(c.text); text != "" && ansi.StringWidth(text) > l.widths[i] {
			texts = append(texts, text)
		}
	}
	if len(texts) == 0 {
		return nil
	}
	lines := strings.Split(ansi.Wrap(strings.Join(texts, between), m.width, ""), "\n")
	return lines[:min(len(lines), max(1, m.room()/3))]
}

func (m *model) title() string {
	online := 0
	for _, w := range m.seen.workers {
		if w.Status == api.WorkerStatusOnline {
			online++
		}
	}
	text := fmt.Sprintf("usher top  %s  %d running, %d late, %d of %d workers",
		m.seen.at.Format("15:04:05"), m.seen.running, m.seen.late, online, len(m.seen.workers))
	switch {
	case m.trouble != nil:
		problem, _, _ := strings.Cut(m.trouble.Error(), "\n")
		return m.paint(m.cut("✗ "+problem+"; trying again"), output.Bad)
	case m.held:
		text += "  held"
	}
	return m.paint(m.cut(text), output.Strong)
}

func (m *model) tabLine() string {
	names := []string{"1 runs", "2 workers", "3 queues", "4 log"}
	for i, name := range names {
		if tab(i) == m.tab {
			names[i] = m.paint("["+name+"]", output.Active)
		} else {
			names[i] = " " + name + " "
		}
	}
	line := strings.Join(names, " ")
	if m.tab == logsTab && m.run != nil {
		line += "  " + m.run.Name + "  " + output.Text(m.run.StateName)
	}
	if m.typing || m.filter != "" {
		line += "  /" + m.filter
	}
	return m.cut(line)
}

func (m *model) keys() string {
	if m.typing {
		return m.paint(m.cut("type a part of a name   enter keep it   esc forget it"), output.Dim)
	}
	line := ""
	for _, key := range []string{"q quit", "↑↓ choose", "tab next", "enter log", "/ find", "space hold", "r look now"} {
		if longer := line + "   " + key; ansi.StringWidth(longer) <= m.width+3 {
			line = longer
		}
	}
	return m.paint(strings.TrimSpace(line), output.Dim)
}

func (m *model) nothing() string {
	switch {
	case m.filter != "":
		return "nothing has such a name; esc shows all"
	case m.tab == logsTab && m.run == nil:
		return "choose a run with 1 and enter"
	case m.tab == logsTab:
		return "it has logged nothing yet"
	}
	return "none"
}

const (
	stateWidth = 12 // of a state with its mark
	timeWidth  = 10
)

func (m *model) columns() []column {
	switch m.tab {
	case workersTab:
		return []column{{head: "WORKER", least: 40}, {head: "POOL", rank: 1, least: 12}, {head: "STATUS", least: stateWidth}, {head: "HEARD OF", rank: 2, least: timeWidth}}
	case queuesTab:
		return []column{{head: "POOL", least: 24}, {head: "QUEUE", least: 18}, {head: "STATUS", least: stateWidth}, {head: "SLOTS", rank: 1, least: timeWidth}, {head: "POLLED", rank: 2, least: timeWidth}}
	case logsTab, tabs:
		return []column{{head: "TIME", least: timeWidth}, {head: "LEVEL", rank: 1, least: timeWidth}, {head: "MESSAGE"}}
	case runsTab:
	}
	return []column{{head: "FLOW", rank: 1, least: 8}, {head: "RUN", least: 34}, {head: "STATE", least: stateWidth}, {head: "WHEN", rank: 2, least: timeWidth}, {head: "TOOK", rank: 3, least: timeWidth}}
}

// rows are what the tab shows, as far as the filter leaves it.
func (m *model) rows() [][]cell {
	now := m.now()
	var rows [][]cell
	switch m.tab {
	case runsTab:
		for _, r := range m.runs() {
			rows = append(rows, runCells(&r, m.seen.flows[r.FlowID], now))
		}
	case workersTab:
		for i := range m.seen.workers {
			if w := &m.seen.workers[i]; m.fits(w.Name, w.pool) {
				rows = append(rows, workerCells(w, now))
			}
		}
	case queuesTab:
		for i := range m.seen.queues {
			if q := &m.seen.queues[i]; m.fits(q.Name, output.Text(q.WorkPoolName)) {
				rows = append(rows, queueCells(q, now))
			}
		}
	case logsTab, tabs:
		for i := range m.lines {
			if l := &m.lines[i]; m.fits(l.Message) {
				rows = append(rows, logCells(l, now))
			}
		}
	}
	return rows
}

func runCells(r *api.FlowRunResponse, flow string, now time.Time) []cell {
	state := cell{text: output.StateText(r.StateType, r.StateName)}
	if r.StateType != nil {
		state.tone = output.StateTone(*r.StateType)
	}
	when, took := output.AgoPtr(now, r.ExpectedStartTime), ""
	if r.StartTime != nil {
		end := now
		if r.EndTime != nil {
			end = r.EndTime.Time
		}
		when, took = output.AgoPtr(now, r.StartTime), output.Duration(end.Sub(r.StartTime.Time))
	}
	return []cell{{text: flow}, {text: r.Name, tone: output.Strong}, state, {text: when}, {text: took}}
}

func statusCell(status string) cell {
	return cell{output.StatusText(status), output.StatusTone(status)}
}

func workerCells(w *worker, now time.Time) []cell {
	return []cell{{text: w.Name, tone: output.Strong}, {text: w.pool}, statusCell(string(w.Status)), {text: output.AgoPtr(now, w.LastHeartbeatTime)}}
}

func queueCells(q *api.WorkQueueResponse, now time.Time) []cell {
	status := output.Text(q.Status)
	if q.IsPaused {
		status = string(api.WorkQueueStatusPaused)
	}
	slots := "-"
	if q.ConcurrencyLimit != nil {
		active := 0
		if q.ActiveSlots != nil {
			active = *q.ActiveSlots
		}
		slots = strconv.Itoa(active) + "/" + strconv.Itoa(*q.ConcurrencyLimit)
	}
	return []cell{{text: output.Text(q.WorkPoolName)}, {text: q.Name, tone: output.Strong}, statusCell(status), {text: slots}, {text: output.AgoPtr(now, q.LastPolled)}}
}

func logCells(l *api.Log, now time.Time) []cell {
	return []cell{{text: l.Timestamp.In(now.Location()).Format("15:04:05")}, {follow.Level(l.Level), follow.LevelTone(l.Level)}, {text: l.Message}}
}

// safe keeps what others wrote from moving the cursor.
func safe(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, ansi.Strip(text))
}

func (m *model) cut(line string) string { return ansi.Truncate(line, m.width, "…") }

// aside is what stands before a line where its colour can't tell whether it is the chosen one.
func (m *model) aside(sign string) string {
	if m.color {
		return ""
	}
	return fmt.Sprintf("%-2s", sign)
}

// chosen marks a line: in reverse, and by a sign where there is no colour.
func (m *model) chosen(line string) string {
	if !m.color {
		return m.aside(">") + line
	}
	return "\x1b[7m" + line + strings.Repeat(" ", max(0, m.width-ansi.StringWidth(line))) + "\x1b[0m"
}

func (m *model) paint(text string, tone output.Tone) string {
	if !m.color {
		return text
	}
	return output.Paint(text, tone)
}
