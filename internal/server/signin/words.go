package signin

import (
	"crypto/rand"
	"strings"
)

// newWords are two words by which a person sees that a terminal, a mail and a page belong
// together. They are no secret.
func newWords() string {
	var b [2]byte
	rand.Read(b[:]) //nolint:errcheck // it never fails
	return firstWords[int(b[0])%len(firstWords)] + "-" + secondWords[int(b[1])%len(secondWords)]
}

var firstWords = strings.Fields(`
	amber ancient autumn azure bold brave bright bronze calm clever copper coral crimson crisp curious dawn
	deep eager early emerald fair fast fine fleet gentle glad gold golden grand green happy hidden
	honest indigo ivory jade jolly keen kind late light lively lucky lunar mellow merry mild misty
	noble olive open pearl plain polar proud quick quiet rapid royal ruby silver solar steady swift`)

var secondWords = strings.Fields(`
	anchor arrow badger beacon bear birch bridge brook canyon castle cedar cloud comet crane creek delta
	eagle ember falcon fern field finch forest fox garden glacier grove harbor hawk heron hill island
	lake lantern lark lily lion maple meadow meteor moon mountain oak ocean orchid otter owl panther
	pebble pine planet prairie raven reef river robin rocket sail sparrow spruce stone tiger valley willow`)
