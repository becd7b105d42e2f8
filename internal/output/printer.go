// Package output shows data on stdout, in the form the reader needs: a table
// for a person at a terminal, whole tab-separated values for a pipe, and JSON,
// YAML, a jq expression or a template when asked for. A noun defines its columns
// once; every verb prints through them.
package output

import (
	"context"
	"fmt"
	"time"

	"github.com/usherhq/usher/internal/term"
)

// The formats of --output. The zero value chooses: a table on a terminal,
// tab-separated values elsewhere.
const (
	Auto  = ""
	JSON  = "json"
	YAML  = "yaml"
	TSV   = "tsv"
	Table = "table"
)

// Formats lists what --output accepts.
func Formats() []string { return []string{JSON, YAML, TSV, Table} }

// Options say how a command's data is wanted; the flags --output, --json, --jq, --template and
// --quiet fill them in.
type Options struct {
	Format   string
	Fields   []string // JSON fields to keep, all if empty
	JQ       string
	Template string
	Quiet    bool // only what identifies each thing
}

// Structured reports whether the data is wanted in a form for programs, so that
// nothing else may be written to stdout.
func (o Options) Structured() bool {
	return o.Quiet || o.JQ != "" || o.Template != "" || o.Format == JSON || o.Format == YAML
}

// Printer writes data to the streams as the options say.
type Printer struct {
	options Options
	streams *term.Streams
	now     func() time.Time
}

// New makes a printer. now is what relative times are counted from.
func New(streams *term.Streams, now func() time.Time, options Options) *Printer {
	return &Printer{options: options, streams: streams, now: now}
}

// Structured reports whether the data is printed in a form for programs.
func (p *Printer) Structured() bool { return p.options.Structured() }

// ForPeople reports whether a person reads the output: it may be shortened,
// coloured and relative to now.
func (p *Printer) ForPeople() bool {
	switch p.options.Format {
	case Table:
		return true
	case Auto:
		return p.streams.OutIsTerminal()
	}
	return false
}

// Value prints v in the structured form that was asked for, JSON if none was.
func (p *Printer) Value(v any) error {
	fields := p.options.Fields
	if p.options.Quiet {
		fields = nil
	}
	document, err := encode(v, fields)
	if err != nil {
		return err
	}
	return p.Paged(context.Background(), func() error {
		switch {
		case p.options.Quiet:
			return p.identifiers(document)
		case p.options.JQ != "":
			return p.jq(document)
		case p.options.Template != "":
			return p.template(document)
		case p.options.Format == YAML:
			return p.yaml(document)
		}
		return p.json(document)
	})
}

// Paged runs what prints, in the user's pager if that is longer than the terminal is high.
func (p *Printer) Paged(ctx context.Context, print func() error) error {
	return p.streams.Paged(ctx, print)
}

// Wrap breaks text for a person between its words, so that it fits the terminal; further lines go on
// at least margin columns from the left.
func (p *Printer) Wrap(text string, margin int) string {
	if !p.ForPeople() {
		return text
	}
	return p.streams.WrapOut(text, margin)
}

// Line prints one line of data.
func (p *Printer) Line(text string) error {
	_, err := fmt.Fprintln(p.streams.Out, text)
	return err
}
