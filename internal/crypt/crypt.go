// Package crypt seals what must not be readable in the database. A master key, kept
// outside of the database, seals a key for each account; that one seals the keys of the
// account's workspaces; and a workspace's newest key seals its secrets, each for the one
// place where it belongs.
package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/crypto/chacha20poly1305"
)

// Key is a key of 256 bits. It formats as nothing, so that it can't be logged by accident.
type Key [32]byte

// Format hides the key, whatever the verb.
func (Key) Format(f fmt.State, _ rune) { io.WriteString(f, "(key)") } //nolint:errcheck // as fmt's own

// MarshalText hides the key.
func (Key) MarshalText() ([]byte, error) { return []byte("(key)"), nil }

// NewKey makes a random key.
func NewKey() Key {
	var k Key
	rand.Read(k[:]) //nolint:errcheck // never fails
	return k
}

// Named is a key with the name that it puts on what it seals.
type Named struct {
	Name string
	Key  Key
}

// Place is where a sealed text belongs: it opens at no other.
type Place struct {
	Account, Workspace uuid.UUID
	Table              string
	Row                uuid.UUID
	Column             string
}

// bound is what a text of the place is authenticated with.
func (p Place) bound(key string) []byte {
	return []byte(strings.Join([]string{p.Account.String(), p.Workspace.String(), p.Table, p.Row.String(), p.Column, key}, "|"))
}

// The schemes of sealed texts. The first is only opened: it has AES-256-GCM and knows of
// the place no more than its row.
const (
	first  = "v1:"
	second = "v2:"
	// FirstName is the name of the key of every text that is in the first scheme.
	FirstName = "0"
)

// Seal encrypts plain for p with XChaCha20-Poly1305. The text tells k's name.
func Seal(k Named, plain []byte, p Place) (string, error) {
	aead, err := chacha20poly1305.NewX(k.Key[:])
	if err != nil {
		return "", err
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	rand.Read(nonce) //nolint:errcheck // never fails
	return Prefix(k.Name) + base64.StdEncoding.EncodeToString(aead.Seal(nonce, nonce, plain, p.bound(k.Name))), nil
}

// Prefix begins all that is sealed with the key of a name.
func Prefix(name string) string {
	if name == FirstName {
		return first
	}
	return second + name + ":"
}

// NameOf returns the name of the key that a text was sealed with.
func NameOf(sealed string) (string, error) {
	if strings.HasPrefix(sealed, first) {
		return FirstName, nil
	}
	rest, ok := strings.CutPrefix(sealed, second)
	name, _, named := strings.Cut(rest, ":")
	if !ok || !named {
		return "", errors.New("the sealed text is of an unknown scheme")
	}
	return name, nil
}

// Open decrypts what was sealed with k for p.
func Open(k Named, sealed string, p Place) ([]byte, error) {
	text, ok := strings.CutPrefix(sealed, Prefix(k.Name))
	if !ok {
		return nil, errors.New("the sealed text names another key")
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("the sealed text is damaged: %w", err)
	}
	aead, bound, err := opener(k, p)
	if err != nil {
		return nil, err
	}
	if len(raw) < aead.NonceSize() {
		return nil, errors.New("the sealed text is cut short")
	}
	plain, err := aead.Open(nil, raw[:aead.NonceSize()], raw[aead.NonceSize():], bound)
	if err != nil {
		return nil, errors.New("the sealed text was made with another key or for another place")
	}
	return plain, nil
}

func opener(k Named, p Place) (cipher.AEAD, []byte, error) {
	if k.Name != FirstName {
		aead, err := chacha20poly1305.NewX(k.Key[:])
		return aead, p.bound(k.Name), err
	}
	block, err := aes.NewCipher(k.Key[:])
	if err != nil {
		return nil, nil, err
	}
	aead, err := cipher.NewGCM(block)
	return aead, []byte(p.Row.String()), err
}

// OpenKey decrypts a key that was sealed with k for p.
func OpenKey(k Named, sealed string, p Place) (key Key, err error) {
	plain, err := Open(k, sealed, p)
	if err == nil && len(plain) != len(key) {
		err = errors.New("what is sealed is no key")
	}
	copy(key[:], plain)
	return key, err
}
