// Package document reads YAML and JSON files that users write, with the place of what is wrong in them.
package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v4"

	"github.com/usherhq/usher/internal/api"
)

// Place is where something stands in a file.
type Place struct{ Line, Column int }

// Parse reads the first document of a text into a node; broken YAML is an error with its
// place.
func Parse(path string, data []byte) (*yaml.Node, error) {
	var doc yaml.Node
	err := yaml.Load(data, &doc)
	if isEmpty(err) || err == nil && len(doc.Content) == 0 {
		return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: 1, Column: 1}, nil
	}
	if err != nil {
		return nil, broken(path, err)
	}
	return doc.Content[0], nil
}

// ParseAll reads all documents of a text; empty ones are left out.
func ParseAll(path string, data []byte) ([]*yaml.Node, error) {
	var docs []*yaml.Node
	loader := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		err := loader.Decode(&doc)
		switch {
		case errors.Is(err, io.EOF) || isEmpty(err):
			return docs, nil
		case err != nil:
			return nil, broken(path, err)
		case len(doc.Content) > 0 && doc.Content[0].Tag != "!!null":
			docs = append(docs, doc.Content[0])
		}
	}
}

// isEmpty recognizes a text of nothing but comments: what is wrong with it has no place.
func isEmpty(err error) bool {
	var e *yaml.LoadError
	return errors.As(err, &e) && e.Mark.Line == 0
}

func broken(path string, err error) error {
	var e *yaml.LoadError
	if errors.As(err, &e) {
		return api.Errorf(api.CodeInvalid, "%s:%d:%d: %s", path, e.Mark.Line, e.Mark.Column, complaint(e))
	}
	return api.Errorf(api.CodeInvalid, "%s: %w", path, err)
}

func complaint(e *yaml.LoadError) string {
	if e.ContextMsg == "" {
		return e.Message
	}
	begun := ""
	if at := e.ContextMark; at.Line > 0 && at.Line != e.Mark.Line {
		begun = fmt.Sprintf(" (begun at %d:%d)", at.Line, at.Column)
	}
	return e.ContextMsg + begun + ", " + e.Message
}

// Tree turns a node into plain values, with scalars read as YAML 1.1 has them: that is what
// the reference's reader does, so `yes` is true and 010 is eight.
func Tree(n *yaml.Node) (any, error) { return reader{}.value(n) }

// reader follows aliases, but never into itself.
type reader struct{ inside []*yaml.Node }

func (r reader) value(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.AliasNode:
		if slices.Contains(r.inside, n.Alias) {
			return nil, At(n, "the anchor %q contains itself", n.Value)
		}
		return reader{append(slices.Clip(r.inside), n.Alias)}.value(n.Alias)
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			var err error
			if list[i], err = r.value(item); err != nil {
				return nil, err
			}
		}
		return list, nil
	case yaml.MappingNode:
		return r.mapping(n)
	}
	return Scalar(n)
}

func (r reader) mapping(n *yaml.Node) (map[string]any, error) {
	object := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if IsMerge(n.Content[i]) {
			if err := r.merge(object, n.Content[i+1]); err != nil {
				return nil, err
			}
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if IsMerge(key) {
			continue
		}
		if key.Kind != yaml.ScalarNode {
			return nil, At(key, "a key must be plain text")
		}
		var err error
		if object[key.Value], err = r.value(value); err != nil {
			return nil, err
		}
	}
	return object, nil
}

// IsMerge reports whether a key takes over what an anchor names.
func IsMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && key.Style == 0
}

// merge takes over what `<<: *anchor` names; the first of several wins.
func (r reader) merge(into map[string]any, n *yaml.Node) error {
	value, err := r.value(n)
	if err != nil {
		return err
	}
	sources, isList := value.([]any)
	if !isList {
		sources = []any{value}
	}
	for _, source := range sources {
		object, ok := source.(map[string]any)
		if !ok {
			return At(n, "<< needs a mapping to merge")
		}
		for key, value := range object {
			if _, taken := into[key]; !taken {
				into[key] = value
			}
		}
	}
	return nil
}

// Located puts file, line and column before an error of Tree, Scalar or At.
func Located(path string, err error) error {
	var p *Placed
	if !errors.As(err, &p) {
		return api.Errorf(api.CodeInvalid, "%s: %w", path, err)
	}
	return api.Errorf(api.CodeInvalid, "%s:%d:%d: %w", path, p.Line, p.Column, p.Err)
}

// At makes an error of a node; Located puts the file's name before it.
func At(n *yaml.Node, format string, args ...any) *Placed {
	return &Placed{Place{n.Line, n.Column}, api.Errorf(api.CodeInvalid, format, args...)}
}

// Placed is an error with its place in the file.
type Placed struct {
	Place
	Err *api.Error
}

// Error is the complaint without its place.
func (p *Placed) Error() string { return p.Err.Error() }

// Unwrap returns the error that has no place.
func (p *Placed) Unwrap() error { return p.Err }

// patterns tell the scalars of YAML 1.1 apart; they are made when the first file is read.
type patterns struct {
	decimal, octal, hex, binary, base60, float, infinity, time *regexp.Regexp
}

var scalars = sync.OnceValue(func() *patterns {
	return &patterns{
		decimal:  regexp.MustCompile(`^[-+]?(0|[1-9][0-9_]*)$`),
		octal:    regexp.MustCompile(`^[-+]?0[0-7_]+$`),
		hex:      regexp.MustCompile(`^[-+]?0x[0-9a-fA-F_]+$`),
		binary:   regexp.MustCompile(`^[-+]?0b[0-1_]+$`),
		base60:   regexp.MustCompile(`^[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+$`),
		float:    regexp.MustCompile(`^[-+]?([0-9][0-9_]*\.[0-9_]*([eE][-+][0-9]+)?|\.[0-9][0-9_]*([eE][-+][0-9]+)?)$`),
		infinity: regexp.MustCompile(`^[-+]?\.(inf|Inf|INF)$`),
		time:     regexp.MustCompile(`^(\d{4}-\d\d?-\d\d?)(?:[Tt]|[ \t]+)(\d\d?:\d\d:\d\d(?:\.\d*)?)[ \t]*(Z|[-+]\d\d?(?::?\d\d)?)?$`),
	}
})

// Scalar reads a scalar by YAML 1.1.
func Scalar(n *yaml.Node) (any, error) {
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	if quoted || n.Tag == "!!str" && n.Style&yaml.TaggedStyle != 0 {
		return n.Value, nil
	}
	if n.Style&yaml.TaggedStyle != 0 && !strings.HasPrefix(n.Tag, "!!") {
		return nil, At(n, "the tag %s means nothing here", n.Tag)
	}
	switch n.Value {
	case "", "~", "null", "Null", "NULL":
		return nil, nil
	case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return true, nil
	case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return false, nil
	case ".nan", ".NaN", ".NAN":
		return api.Float(math.NaN()), nil
	}
	if value, ok := number(n.Value); ok {
		return value, nil
	}
	if m := scalars().time.FindStringSubmatch(n.Value); m != nil {
		return m[1] + "T" + m[2] + m[3], nil
	}
	return n.Value, nil
}

func number(text string) (any, bool) {
	clean := strings.ReplaceAll(text, "_", "")
	sign, digits := int64(1), strings.TrimLeft(clean, "+-")
	if strings.HasPrefix(clean, "-") {
		sign = -1
	}
	parse := func(digits string, base int) (any, bool) {
		n, err := strconv.ParseInt(digits, base, 64)
		return sign * n, err == nil
	}
	switch {
	case scalars().decimal.MatchString(text):
		if n, ok := parse(digits, 10); ok {
			return n, true
		}
		return jsontext.Value(strings.TrimPrefix(clean, "+")), true // too long for a machine's integer
	case scalars().octal.MatchString(text):
		return parse(digits, 8)
	case scalars().hex.MatchString(text):
		return parse(digits[2:], 16)
	case scalars().binary.MatchString(text):
		return parse(digits[2:], 2)
	case scalars().base60.MatchString(text):
		return sign * base60(digits), true
	case scalars().infinity.MatchString(text):
		return api.Float(math.Inf(int(sign))), true
	case scalars().float.MatchString(text):
		f, err := strconv.ParseFloat(clean, 64)
		return api.Float(f), err == nil
	}
	return nil, false
}

// base60 reads 1:30:00 as YAML 1.1 does: a number of the base 60.
func base60(text string) int64 {
	var sum int64
	for _, part := range strings.Split(text, ":") {
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			return sum
		}
		sum = sum*60 + n
	}
	return sum
}
