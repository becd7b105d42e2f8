// Package password says which passwords are too easy to guess.
package password

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// The bounds of a password, in characters, and how many different ones it must have.
const (
	Shortest  = 12
	Longest   = 128
	different = 5
)

// common.txt.gz has common passwords of at least five characters, sorted: of the 20,000 that
// Royce Williams drew from leaks and Django refuses.
//
//go:embed common.txt.gz
var packed []byte

var common = sync.OnceValue(func() map[string]bool {
	known := map[string]bool{}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		panic(err) // it is compiled in
	}
	for lines := bufio.NewScanner(r); lines.Scan(); {
		known[lines.Text()] = true
	}
	return known
})

// Problem says what is wrong with a password, "" when nothing is. About are words that others
// know of its owner, such as parts of an address: they count for nothing in it.
func Problem(text string, about ...string) string {
	n := utf8.RuneCountInString(text)
	seen := map[rune]bool{}
	for _, r := range text {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return "A password has no control characters."
		}
		seen[r] = true
	}
	switch {
	case n < Shortest:
		return "A password has at least 12 characters. A few words that nobody would put together are good."
	case n > Longest:
		return "A password has at most 128 characters."
	case len(seen) < different:
		return "A password has at least 5 different characters."
	case guessed(text, about):
		return "That password is among the first that somebody would try. A few words that nobody would put together are good."
	}
	return ""
}

// guessed says that little is left of a password without common ones, what is known of its
// owner, rows of keys and letters, and repetition.
func guessed(text string, about []string) bool {
	lower := strings.ToLower(text)
	for _, form := range []string{lower, plain.Replace(lower)} {
		if common()[form] || len(rest(form, about)) < Shortest/2 {
			return true
		}
	}
	return false
}

// plain undoes what people do to letters.
var plain = strings.NewReplacer("0", "o", "1", "l", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")

// rows are what fingers walk along.
var rows = []string{"abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm", "01234567890123456789", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "lqazzwsxeedcarfvstgbgyhntujmbik9olop"}

// rest is what is left of a password, the longest common beginning taken off again and again,
// each left-over character once.
func rest(text string, about []string) string {
	var left strings.Builder
	for text != "" {
		n := 0
		for _, word := range about {
			if word = strings.ToLower(word); len(word) >= 3 && strings.HasPrefix(text, word) {
				n = max(n, len(word))
			}
		}
		for size := len(text); size > max(n, 4); size-- {
			if common()[text[:size]] || inRow(text[:size]) || inRow(backwards(text[:size])) {
				n = size
			}
		}
		if n == 0 {
			_, n = utf8.DecodeRuneInString(text)
			if !strings.Contains(left.String(), text[:n]) {
				left.WriteString(text[:n])
			}
		}
		text = text[n:]
	}
	return left.String()
}

func inRow(text string) bool {
	for _, row := range rows {
		if strings.Contains(row, text) {
			return true
		}
	}
	return false
}

func backwards(text string) string {
	out := []rune(text)
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return string(out)
}
