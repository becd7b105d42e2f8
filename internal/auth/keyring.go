package auth

import (
	"errors"
	"strings"

	"github.com/zalando/go-keyring"
)

// service is what the keyring knows all our secrets by.
const service = "usher"

var errNotInRing = errors.New("it has no such secret")

func ringSet(key, text string) error { return ringError(keyring.Set(service, key, text)) }

func ringGet(key string) (string, error) {
	text, err := keyring.Get(service, key)
	return text, ringError(err)
}

func ringDelete(key string) error { return ringError(keyring.Delete(service, key)) }

// ringError words what the systems say about a keyring that is not there.
func ringError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, keyring.ErrNotFound):
		return errNotInRing
	}
	text := err.Error()
	for _, sign := range []string{"dbus-launch", "org.freedesktop.secrets", "no such file", "connection refused", "DBUS", "dbus"} {
		if strings.Contains(text, sign) {
			return errors.New("there is none in this session")
		}
	}
	if strings.Contains(text, "unlock") || strings.Contains(text, "locked") {
		return errors.New("it is locked")
	}
	return err
}
