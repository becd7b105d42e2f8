package testkit

import (
	_ "embed"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

//go:embed browserhands.js
var handsScript string

// Click clicks what has a name, or a part of it: what a person reads on it or a screen
// reader says. Near is a text close to it when several have that name. A button that bears
// only a picture has the name "", a switch without a name is called "switch".
func (b *Browser) Click(label, near string) {
	b.t.Helper()
	b.hand("clickable", label, near)
}

// Fill writes a text over what is in the field with a label, and where none is tied to the
// field, into the one that comes after the label.
func (b *Browser) Fill(label, text string) {
	b.t.Helper()
	Eventually(b.t, 30*time.Second, func() error {
		field := b.hand("field", label, "")
		b.press(stroke("keyDown", control), stroke("keyDown", "a"), stroke("keyUp", "a"), stroke("keyUp", control))
		b.Keys(erase + text)
		var got *string // nil of what is no input
		err := b.try(http.MethodGet, b.path("/element/"+field+"/property/value"), nil, &got)
		if err == nil && got != nil && *got != text {
			err = fmt.Errorf("the field %q has %q after %q was written", label, *got, text) // a page that was still at work lost keys
		}
		return err
	})
}

// hand finds something and clicks it, once it is there and nothing lies over it. It returns
// the id that the driver knows it by.
func (b *Browser) hand(what, label, near string) (id string) {
	b.t.Helper()
	Eventually(b.t, 30*time.Second, func() error {
		var found map[string]string
		order := fmt.Sprintf("%s\nreturn hands.resting(hands.%s(%s, %s))", handsScript, what, strconv.QuoteToASCII(label), strconv.QuoteToASCII(near))
		if err := b.try(http.MethodPost, b.path("/execute/sync"), map[string]any{"script": order, "args": []any{}}, &found); err != nil {
			return err
		}
		if found == nil {
			var seen []string
			b.Script(handsScript+"\nreturn hands.seen()", &seen)
			return fmt.Errorf("no %s %q near %q on %s, but %q", what, label, near, b.URL(), seen)
		}
		id = found[elementKey]
		return b.try(http.MethodPost, b.path("/element/"+id+"/click"), nil, nil)
	})
	return id
}

// Keys of WebDriver that write nothing.
const (
	control = "\ue009"
	erase   = "\ue003"
	// Escape and Enter are for Keys.
	Escape = "\ue00c"
	Enter  = "\ue007"
)

// Keys presses the keys of a text, one after the other.
func (b *Browser) Keys(text string) {
	b.t.Helper()
	var strokes []any
	for _, key := range text {
		strokes = append(strokes, stroke("keyDown", string(key)), stroke("keyUp", string(key)))
	}
	b.press(strokes...)
}

func stroke(kind, key string) any { return map[string]any{"type": kind, "value": key} }

func (b *Browser) press(strokes ...any) {
	b.t.Helper()
	b.call(http.MethodPost, b.path("/actions"), map[string]any{"actions": []any{map[string]any{"type": "key", "id": "keyboard", "actions": strokes}}}, nil)
}
