package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/usherhq/usher/internal/api"
)

// sealedFile is the file for credentials where there is no keyring.
type sealedFile struct {
	path string
	key  []byte // made of the passphrase and salt, once per process
	salt []byte
}

// fileContent is what is in it.
type fileContent struct {
	KDF     *kdf             `json:"kdf"`
	Entries map[string]entry `json:"entries"`
}

// kdf is how the passphrase becomes a key.
type kdf struct {
	Name    string `json:"name"` // argon2id
	Salt    []byte `json:"salt"`
	Time    uint32 `json:"time"`
	Memory  uint32 `json:"memory_kib"`
	Threads uint8  `json:"threads"`
}

// newKDF has the parameters of RFC 9106 for machines with little memory to spare.
func newKDF() *kdf {
	salt := make([]byte, 16)
	rand.Read(salt) //nolint:errcheck // never fails
	return &kdf{Name: "argon2id", Salt: salt, Time: 3, Memory: 64 << 10, Threads: 4}
}

// sane refuses parameters that a forged file could use to exhaust the machine.
func (k *kdf) sane() bool {
	return k.Name == "argon2id" && len(k.Salt) >= 8 && k.Time >= 1 && k.Time <= 20 && k.Memory >= 8<<10 && k.Memory <= 1<<20 && k.Threads >= 1
}

// entry is one credential: sealed with XChaCha20-Poly1305 for its account, or plain.
type entry struct {
	Sealed []byte `json:"sealed,omitempty"` // nonce and text
	Plain  string `json:"plain,omitempty"`
}

// stored is a credential in the clear, as the keyring has it.
type stored struct {
	Key      string    `json:"key,omitempty"`
	Password string    `json:"password,omitempty"`
	Access   string    `json:"access,omitempty"`
	Refresh  string    `json:"refresh,omitempty"`
	Expires  time.Time `json:"expires,omitzero"`
}

func encode(c Credential) string {
	text, err := json.Marshal(stored{c.Key.text, c.Password.text, c.Access.text, c.Refresh.text, c.Expires})
	if err != nil {
		panic(err) // texts and a time
	}
	return string(text)
}

func decode(text []byte) (Credential, error) {
	var s stored
	if json.Unmarshal(text, &s) != nil { // its error would quote the secret
		return Credential{}, api.Errorf(api.CodeUnauthenticated, "the stored login is damaged\n`usher login` logs in again")
	}
	return Credential{Secret{s.Key}, Secret{s.Password}, Secret{s.Access}, Secret{s.Refresh}, s.Expires}, nil
}

func (f *sealedFile) read() (content fileContent, err error) {
	if exists(f.path) {
		if err := private(f.path); err != nil {
			return content, err
		}
	}
	if err := readJSON(f.path, &content); err != nil {
		return content, err
	}
	if content.KDF != nil && !content.KDF.sane() {
		return content, api.Errorf(api.CodeInvalid, "%s is damaged: its key can't be made\nremove it and log in again", f.path)
	}
	if content.Entries == nil {
		content.Entries = map[string]entry{}
	}
	return content, nil
}

// open returns the cipher of the file, asking for the passphrase once.
func (s *Store) open(ctx context.Context, k *kdf, isNew bool) error {
	if s.file.key != nil && subtle.ConstantTimeCompare(s.file.salt, k.Salt) == 1 {
		return nil
	}
	phrase, err := s.Passphrase(ctx, isNew)
	if err != nil {
		return err
	}
	if phrase.IsZero() {
		return ErrNowhere
	}
	s.file.key, s.file.salt = argon2.IDKey([]byte(phrase.text), k.Salt, k.Time, k.Memory, k.Threads, chacha20poly1305.KeySize), k.Salt
	return nil
}

func (s *Store) readFile(ctx context.Context, a Account) (c Credential, err error) {
	if err := private(s.dir); err != nil {
		return c, err
	}
	content, err := s.file.read()
	if err != nil {
		return c, err
	}
	e, ok := content.Entries[a.key()]
	switch {
	case !ok:
		return c, gone(a)
	case e.Sealed == nil:
		return decode([]byte(e.Plain))
	case content.KDF == nil:
		return c, api.Errorf(api.CodeInvalid, "%s is damaged\nremove it and log in again", s.file.path)
	}
	if err := s.open(ctx, content.KDF, false); err != nil {
		if errors.Is(err, ErrNowhere) {
			err = api.Errorf(api.CodeUnauthenticated, "the login of %s at %s is in a file that a passphrase seals\nset USHER_CREDENTIALS_PASSPHRASE, or call the command at a terminal", a.Name, a.Origin())
		}
		return c, err
	}
	plain, err := unseal(s.file.key, e.Sealed, a.key())
	if err != nil {
		s.file.key = nil
		return c, api.Errorf(api.CodeUnauthenticated, "the passphrase does not open %s\nif it is lost, `usher logout` and log in again", s.file.path)
	}
	return decode(plain)
}

func (s *Store) writeFile(ctx context.Context, a Account, c Credential, place Place) error {
	if place == Sealed {
		if err := s.prepare(ctx); err != nil {
			return err
		}
	}
	return s.editFile(func(content *fileContent) error {
		if place == Plain {
			content.Entries[a.key()] = entry{Plain: encode(c)}
			return nil
		}
		if content.KDF == nil || subtle.ConstantTimeCompare(content.KDF.Salt, s.file.salt) == 0 {
			return api.Errorf(api.CodeConflict, "%s was changed by another program meanwhile\ntry again", s.file.path)
		}
		content.Entries[a.key()] = entry{Sealed: seal(s.file.key, []byte(encode(c)), a.key())}
		return nil
	})
}

// prepare has the key of the file at hand before anything is locked: a person may be asked.
// A passphrase that does not open what is sealed already is refused.
func (s *Store) prepare(ctx context.Context) error {
	if err := s.makeDir(); err != nil {
		return err
	}
	content, err := s.file.read()
	if err != nil {
		return err
	}
	isNew := content.KDF == nil
	if isNew {
		content.KDF = newKDF()
	}
	if err := s.open(ctx, content.KDF, isNew); err != nil {
		return err
	}
	if isNew {
		return s.editFile(func(now *fileContent) error {
			if now.KDF == nil {
				now.KDF = content.KDF
			}
			return nil
		})
	}
	for key, e := range content.Entries {
		if e.Sealed == nil {
			continue
		}
		if _, err := unseal(s.file.key, e.Sealed, key); err != nil {
			s.file.key = nil
			return api.Errorf(api.CodeUnauthenticated, "the passphrase does not open %s, which has other logins\nuse the same one, or remove the file and log in again", s.file.path)
		}
	}
	return nil
}

func (s *Store) removeFromFile(a Account) error {
	if !exists(s.file.path) {
		return nil
	}
	return s.editFile(func(content *fileContent) error {
		delete(content.Entries, a.key())
		return nil
	})
}

// editFile changes the file while other programs wait.
func (s *Store) editFile(change func(*fileContent) error) error {
	unlock, err := s.lock("credentials")
	if err != nil {
		return err
	}
	defer unlock()
	content, err := s.file.read()
	if err != nil {
		return err
	}
	if err := change(&content); err != nil {
		return err
	}
	return writeJSON(s.file.path, content)
}

func seal(key, plain []byte, account string) []byte {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		panic(err) // the key has the right size
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	rand.Read(nonce) //nolint:errcheck // never fails
	return aead.Seal(nonce, nonce, plain, []byte(account))
}

func unseal(key, sealed []byte, account string) ([]byte, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	if len(sealed) < aead.NonceSize() {
		return nil, errors.New("the sealed text is cut short")
	}
	return aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], []byte(account))
}
