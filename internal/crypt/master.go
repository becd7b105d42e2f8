package crypt

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/usherhq/usher/internal/api"
)

// Variable is the environment variable that holds the master keys.
const Variable = "USHER_ENCRYPTION_KEY"

// Masters are the master keys: the first one seals, each of them opens.
type Masters []Named

// Find returns the master key of a name.
func (m Masters) Find(name string) (Named, bool) {
	for _, k := range m {
		if k.Name == name {
			return k, true
		}
	}
	return Named{}, false
}

// Keeper knows where the master keys are: in an environment variable, or else in a file.
// Both hold 32 bytes in base64; while one key follows another, both of them, the new one
// first.
type Keeper struct{ value, path string }

// NewKeeper returns the keeper of the keys in value, that of Variable, or if it is empty in
// the file master.key below home.
func NewKeeper(value, home string) *Keeper {
	return &Keeper{value, filepath.Join(home, "master.key")}
}

// String says where the keys are.
func (k *Keeper) String() string {
	if k.value != "" {
		return Variable
	}
	return k.path
}

// Masters reads the keys. There are none when nobody has made one yet.
func (k *Keeper) Masters() (Masters, error) {
	if k.value != "" {
		return k.parse(k.value)
	}
	text, err := os.ReadFile(k.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, api.Errorf(api.CodeUnavailable, "read the master key: %w", err)
	}
	return k.parse(string(text))
}

func (k *Keeper) parse(text string) (keys Masters, err error) {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,\t\r\n", r) }) {
		raw, err := base64.StdEncoding.DecodeString(word)
		if err != nil || len(raw) != len(Key{}) {
			return nil, k.broken()
		}
		keys = append(keys, master(Key(raw)))
	}
	if len(keys) == 0 {
		return nil, k.broken()
	}
	return keys, nil
}

func (k *Keeper) broken() error {
	return api.Errorf(api.CodeUnavailable, "%s does not hold a master key: 32 bytes in base64, as `openssl rand -base64 32` makes them", k)
}

// master names a master key by what tells nothing of it.
func master(k Key) Named {
	sum := sha256.Sum256(append([]byte("usher master key"), k[:]...))
	return Named{hex.EncodeToString(sum[:8]), k}
}

// Make returns the keys and makes the first one if there is none, which it tells.
func (k *Keeper) Make() (keys Masters, isNew bool, err error) {
	if keys, err = k.Masters(); err != nil || len(keys) > 0 {
		return keys, false, err
	}
	if err := k.write(Masters{master(NewKey())}, os.Link); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, false, err
	}
	keys, err = k.Masters() // another process may have been faster
	return keys, true, err
}

// Begin puts a new key before the one that there is and returns both.
func (k *Keeper) Begin() (Masters, error) {
	keys, err := k.Masters()
	if err != nil {
		return nil, err
	}
	if k.value != "" {
		return nil, api.Errorf(api.CodeInvalid, "the master key is in %s, which only you can change: set it to a new key and the old one, \"NEW OLD\", for the servers too, and rotate again", Variable)
	}
	keys = append(Masters{master(NewKey())}, keys...)
	return keys, k.write(keys, os.Rename)
}

// End forgets all keys but the first, and says whether it could.
func (k *Keeper) End() (bool, error) {
	keys, err := k.Masters()
	if err != nil || len(keys) < 2 {
		return err == nil, err
	}
	if k.value != "" {
		return false, nil
	}
	return true, k.write(keys[:1], os.Rename)
}

// write brings keys to the file with put: os.Link when there must be none.
func (k *Keeper) write(keys Masters, put func(from, to string) error) error {
	fail := func(err error) error { return api.Errorf(api.CodeUnavailable, "keep the master key: %w", err) }
	if err := os.MkdirAll(filepath.Dir(k.path), 0o700); err != nil {
		return fail(err)
	}
	temp, err := os.CreateTemp(filepath.Dir(k.path), "master-*.key")
	if err != nil {
		return fail(err)
	}
	defer os.Remove(temp.Name()) //nolint:errcheck // linked, renamed or useless by then
	for _, key := range keys {
		_, bad := temp.WriteString(base64.StdEncoding.EncodeToString(key.Key[:]) + "\n")
		err = errors.Join(err, bad)
	}
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return fail(err)
	}
	if err := put(temp.Name(), k.path); err != nil {
		return fail(err)
	}
	if dir, err := os.Open(filepath.Dir(k.path)); err == nil {
		_ = dir.Sync() // not every system can
		_ = dir.Close()
	}
	return nil
}
