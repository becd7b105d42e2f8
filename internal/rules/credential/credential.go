// Package credential says what the secrets that this server hands out look like: a prefix
// that tells their kind, random characters, and a checksum by which a typing error is found
// without asking anybody.
package credential

import (
	"crypto/sha256"
	"hash/crc32"
	"strings"
	"time"
)

// The prefixes of secrets.
const (
	UserKey      = "pnu_" // the API key of a user
	BotKey       = "pnb_" // the API key of a service account
	AccessToken  = "put_" // an access token
	RefreshToken = "prt_" // a refresh token
	Directory    = "psc_" // the token with which a directory writes an account's people
	RunToken     = "prn_" // what lets the program of one flow run in
)

const (
	alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	random   = 30 // characters
	checksum = 6  // characters

	// Length is how many characters a secret has.
	Length = 4 + random + checksum
	// Entropy is how many random bytes New needs.
	Entropy = 64
)

// RunGrace is how long what lets the program of a run in is good after the run has ended:
// hooks and the last log lines come then.
const RunGrace = 30 * time.Second

// New makes a secret of Entropy random bytes. Bytes from 248 on are left out, so that every
// character is as likely as the others; ok is false in the rare case that too many are.
func New(prefix string, bytes []byte) (secret string, ok bool) {
	b := []byte(prefix)
	for _, v := range bytes {
		if v < 248 && len(b) < len(prefix)+random {
			b = append(b, alphabet[v%62])
		}
	}
	if len(b) < len(prefix)+random {
		return "", false
	}
	return string(b) + sum(string(b)), true
}

// sum is the checksum of what is before it.
func sum(text string) string {
	n := crc32.ChecksumIEEE([]byte(text))
	b := make([]byte, checksum)
	for i := range b {
		b[checksum-1-i] = alphabet[n%62]
		n /= 62
	}
	return string(b)
}

// WellFormed says whether a secret can be one of this server's: its length, its characters
// and its checksum are right.
func WellFormed(secret string) bool {
	if len(secret) != Length || secret[3] != '_' {
		return false
	}
	body := secret[:Length-checksum]
	return strings.Trim(secret[4:], alphabet) == "" && sum(body) == secret[Length-checksum:]
}

// Prefix is what tells the kind of a secret: its first four characters.
func Prefix(secret string) string { return secret[:min(4, len(secret))] }

// Hash is what is stored of a secret. Secrets are random, so nothing slower is needed.
func Hash(secret string) []byte {
	h := sha256.Sum256([]byte(secret))
	return h[:]
}

// Suffix is what is stored of a secret besides, so that people can tell it from others.
func Suffix(secret string) string { return secret[max(0, len(secret)-4):] }

// Masked is how a secret is shown once nobody knows it any more.
func Masked(prefix, suffix string) string { return prefix + "****" + suffix }
