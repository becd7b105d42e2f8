package blockschema

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/go-json-experiment/json/jsontext"
)

// Checksum identifies the fields of a block schema, the way the reference's clients
// compute it: of the fields without what is secret or belongs to other blocks.
func Checksum(fields jsontext.Value) (string, error) {
	t, err := parse(fields)
	if err != nil {
		return "", fmt.Errorf("read the fields of a block schema: %w", err)
	}
	withoutSecretFields(&t)
	keepReferred(&t)
	sum := sha256.Sum256(append(python([]byte("[["), &t), "], {}]"...))
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// withoutSecretFields removes the lists of secrets, looking into objects only.
func withoutSecretFields(t *tree) {
	t.remove("secret_fields")
	for i := range t.members {
		withoutSecretFields(&t.members[i].value)
	}
}

const definitionPrefix = "#/definitions/"

// keepReferred keeps the definitions that are referred to, say something and are no
// blocks themselves.
func keepReferred(t *tree) {
	definitions := t.get("definitions")
	if definitions == nil || len(definitions.members) == 0 {
		return
	}
	kept := tree{kind: '{'}
	collect(t, definitions, &kept, func(d *tree) bool { return !isBlock(d) })
	if len(kept.members) == 0 {
		t.remove("definitions")
		return
	}
	t.set("definitions", kept)
}

// collect keeps the definitions that from refers to, by way of others too, of those that
// are wanted.
func collect(from, definitions, kept *tree, isWanted func(*tree) bool) {
	for _, ref := range references(from, nil) {
		name := strings.ReplaceAll(ref, definitionPrefix, "")
		d := definitions.get(name)
		if d == nil || len(d.members) == 0 || !isWanted(d) || kept.get(name) != nil {
			continue
		}
		kept.set(name, *d)
		collect(d, definitions, kept, isWanted)
	}
}

func isBlock(definition *tree) bool {
	slug := definition.get("block_type_slug")
	return slug != nil && slug.kind != 'n'
}

// references collects every $ref below t.
func references(t *tree, found []string) []string {
	for i := range t.members {
		if m := &t.members[i]; m.name == "$ref" && m.value.kind == '"' {
			found = append(found, m.value.text())
		} else {
			found = references(&m.value, found)
		}
	}
	for i := range t.items {
		found = references(&t.items[i], found)
	}
	return found
}

// python appends t as Python's json.dumps writes it with sorted keys.
func python(out []byte, t *tree) []byte {
	switch t.kind {
	case '{':
		sorted := slices.Clone(t.members)
		slices.SortFunc(sorted, func(a, b member) int { return strings.Compare(a.name, b.name) })
		out = append(out, '{')
		for i := range sorted {
			if i > 0 {
				out = append(out, ", "...)
			}
			out = append(pythonString(out, sorted[i].name), ": "...)
			out = python(out, &sorted[i].value)
		}
		return append(out, '}')
	case '[':
		out = append(out, '[')
		for i := range t.items {
			if i > 0 {
				out = append(out, ", "...)
			}
			out = python(out, &t.items[i])
		}
		return append(out, ']')
	case '"':
		return pythonString(out, t.text())
	case '0':
		return pythonNumber(out, string(t.scalar))
	}
	return append(out, t.scalar...)
}

func pythonString(out []byte, s string) []byte {
	escapes := map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}
	out = append(out, '"')
	for _, r := range s {
		switch esc, ok := escapes[r]; {
		case ok:
			out = append(out, esc...)
		case r < 0x20 || r >= 0x7f && r <= 0xffff:
			out = fmt.Appendf(out, `\u%04x`, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = append(out, byte(r))
		}
	}
	return append(out, '"')
}

// pythonNumber keeps integers as they are and writes others as Python's repr does.
func pythonNumber(out []byte, text string) []byte {
	if !strings.ContainsAny(text, ".eE") {
		return append(out, text...)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return append(out, text...)
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.AppendFloat(out, f, 'e', -1, 64)
	}
	short := strconv.AppendFloat(nil, f, 'f', -1, 64)
	if !strings.ContainsRune(string(short), '.') {
		short = append(short, ".0"...)
	}
	return append(out, short...)
}
