package jobtemplate

import (
	"regexp"
	"strings"
	"sync"
)

// Kind says where the value of a placeholder comes from.
type Kind int

// The kinds of placeholders.
const (
	KindValue       Kind = iota // {{ name }}
	KindBlock                   // {{ prefect.blocks.type.name }}
	KindVariable                // {{ prefect.variables.name }}
	KindEnvironment             // {{ $NAME }}
)

// Placeholder is one {{ … }} of a template.
type Placeholder struct {
	Match string // with braces, as written
	Name  string
	Kind  Kind
}

const (
	blockPrefix    = "prefect.blocks."
	variablePrefix = "prefect.variables."
)

var placeholderPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`{{\s*([\p{L}\p{N}_.\-\[\]$]+)\s*}}`) })

func kindOfName(name string) Kind {
	switch {
	case strings.HasPrefix(name, blockPrefix):
		return KindBlock
	case strings.HasPrefix(name, variablePrefix):
		return KindVariable
	case strings.HasPrefix(name, "$"):
		return KindEnvironment
	}
	return KindValue
}

// Placeholders lists the different placeholders of a text.
func Placeholders(text string) []Placeholder {
	if !strings.Contains(text, "{{") {
		return nil
	}
	var found []Placeholder
	seen := map[string]bool{}
	for _, m := range placeholderPattern().FindAllStringSubmatch(text, -1) {
		if !seen[m[0]] {
			seen[m[0]] = true
			found = append(found, Placeholder{Match: m[0], Name: m[1], Kind: kindOfName(m[1])})
		}
	}
	return found
}

// Options say how Apply treats what it cannot fill.
type Options struct {
	KeepUnset    bool                        // leave placeholders without a value as written, instead of removing them
	Env          func(string) (string, bool) // reads the environment; nil means an empty one
	SkipPrefixes []string                    // placeholders whose names begin so are left alone
	Missing      func(placeholder string)    // told of each placeholder without a value; may be nil
}

// Apply fills the placeholders of a tree from values and the environment. A string that
// is one placeholder becomes the value with its type; a placeholder inside text becomes
// the value's Text. Members and elements whose lone placeholder has no value disappear,
// unless KeepUnset. For a tree that is itself such a placeholder set is false.
func Apply(tree any, values map[string]any, o Options) (filled any, isSet bool) {
	switch v := tree.(type) {
	case string:
		return o.applyText(v, values)
	case map[string]any:
		return ApplyObject(v, values, o), true
	case []any:
		out := make([]any, 0, len(v))
		for _, value := range v {
			if filled, ok := Apply(value, values, o); ok {
				out = append(out, filled)
			} else if o.KeepUnset {
				out = append(out, value)
			}
		}
		return out, true
	}
	return tree, true
}

// ApplyObject is Apply for objects.
func ApplyObject(object, values map[string]any, o Options) map[string]any {
	out := make(map[string]any, len(object))
	for key, value := range object {
		if filled, ok := Apply(value, values, o); ok {
			out[key] = filled
		} else if o.KeepUnset {
			out[key] = value
		}
	}
	return out
}

func (o Options) applyText(text string, values map[string]any) (any, bool) {
	holes := o.holes(text)
	if len(holes) == 1 && holes[0].Match == text && holes[0].Kind == KindValue {
		value, ok := Lookup(values, holes[0].Name)
		if !ok {
			o.missing(holes[0].Name)
		}
		return value, ok
	}
	for _, hole := range holes {
		value, ok := o.value(hole, values)
		switch {
		case ok:
			text = strings.ReplaceAll(text, hole.Match, value)
		case hole.Kind == KindBlock || hole.Kind == KindVariable:
		default:
			o.missing(hole.Match)
			if !o.KeepUnset {
				text = strings.ReplaceAll(text, hole.Match, "")
			}
		}
	}
	return text, true
}

func (o Options) value(hole Placeholder, values map[string]any) (string, bool) {
	switch hole.Kind {
	case KindValue:
		value, ok := Lookup(values, hole.Name)
		return Text(value), ok
	case KindEnvironment:
		if o.Env == nil {
			return "", false
		}
		return o.Env(strings.TrimLeft(hole.Name, "$"))
	}
	return "", false
}

func (o Options) holes(text string) []Placeholder {
	found := Placeholders(text)
	if len(o.SkipPrefixes) == 0 {
		return found
	}
	kept := found[:0]
	for _, hole := range found {
		if !o.skips(hole.Name) {
			kept = append(kept, hole)
		}
	}
	return kept
}

func (o Options) skips(name string) bool {
	for _, prefix := range o.SkipPrefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func (o Options) missing(name string) {
	if o.Missing != nil {
		o.Missing(name)
	}
}
