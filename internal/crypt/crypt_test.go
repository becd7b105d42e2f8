package crypt_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/crypt"
)

func TestSealedTextOpensOnlyWithItsKeyAndPlace(t *testing.T) {
	t.Parallel()
	k, p := crypt.Named{Name: "3", Key: crypt.NewKey()}, somewhere()
	sealed, err := crypt.Seal(k, []byte("s3cret"), p)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := crypt.Open(k, sealed, p); err != nil || string(plain) != "s3cret" {
		t.Fatalf("got %q, %v", plain, err)
	}
	at := func(change func(*crypt.Place)) func() ([]byte, error) {
		other := p
		change(&other)
		return func() ([]byte, error) { return crypt.Open(k, sealed, other) }
	}
	with := func(k crypt.Named, text string) func() ([]byte, error) {
		return func() ([]byte, error) { return crypt.Open(k, text, p) }
	}
	for name, open := range map[string]func() ([]byte, error){
		"another account":   at(func(p *crypt.Place) { p.Account = uuid.UUID{9} }),
		"another workspace": at(func(p *crypt.Place) { p.Workspace = uuid.UUID{9} }),
		"another table":     at(func(p *crypt.Place) { p.Table = "variable" }),
		"another row":       at(func(p *crypt.Place) { p.Row = uuid.UUID{9} }),
		"another column":    at(func(p *crypt.Place) { p.Column = "name" }),
		"another key":       with(crypt.Named{Name: "3", Key: crypt.NewKey()}, sealed),
		"another name":      with(crypt.Named{Name: "4", Key: k.Key}, strings.Replace(sealed, ":3:", ":4:", 1)),
		"a changed text":    with(k, sealed[:len(sealed)-6]+"AAAA=="),
		"a cut text":        with(k, "v2:3:AAAA"),
		"another scheme":    with(k, "v9"+sealed[2:]),
		"the first scheme":  with(crypt.Named{Name: "0", Key: k.Key}, "v1:"+strings.TrimPrefix(sealed, "v2:3:")),
	} {
		if plain, err := open(); err == nil {
			t.Errorf("%s opened to %q", name, plain)
		}
	}
}

func somewhere() crypt.Place {
	return crypt.Place{
		Account:   uuid.MustParse("00000000-0000-0000-0000-000000000001"),
		Workspace: uuid.MustParse("00000000-0000-0000-0000-000000000002"),
		Table:     "block_document", Row: uuid.MustParse("11111111-2222-3333-4444-555555555555"), Column: "data",
	}
}

// The texts of the second scheme were made by a Python program of its own, out of the
// cipher's definition (HChaCha20, then ChaCha20-Poly1305); that of the first by the
// release that had it.
func TestKnownTextsOpen(t *testing.T) {
	t.Parallel()
	var key crypt.Key
	for i := range key {
		key[i] = byte(i)
	}
	for _, c := range []struct{ name, sealed, plain string }{
		{"7", "v2:7:QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXrxtzEbyVHDS11vSNzO4A5rDHko91zqTjE88oytyh/QSlnw==", `{"value":"s3cret"}`},
		{"1", "v2:1:QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXeCAXkFdwtcZbvxqJIbVEog==", ""},
		{"0", "v1:YYhQkzLvSw6KPdtL2xvb2vgwVzENZACd5CborBH4kXIvXT1yxVXrZcxtNJZOAg==", `{"value":"s3cret"}`},
	} {
		if name, err := crypt.NameOf(c.sealed); err != nil || name != c.name {
			t.Errorf("%s is sealed with %q, %v", c.sealed, name, err)
		}
		if plain, err := crypt.Open(crypt.Named{Name: c.name, Key: key}, c.sealed, somewhere()); err != nil || string(plain) != c.plain {
			t.Errorf("%s: got %q, %v", c.sealed, plain, err)
		}
	}
	keys, err := crypt.NewKeeper("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "").Masters()
	if err != nil || len(keys) != 1 || keys[0].Name != "443f35008ab7f7eb" || keys[0].Key != key {
		t.Errorf("got %v, %v", keys, err)
	}
}

func TestKeysDoNotShow(t *testing.T) {
	t.Parallel()
	k := crypt.Named{Name: "n", Key: crypt.Key{77, 78, 79}}
	text, err := json.Marshal(k)
	shown := fmt.Sprintf("%v %+v %#v %s %x %d %s", k, k, k, k.Key, k.Key, k.Key, text)
	if err != nil || strings.Contains(shown, "77") || strings.Contains(shown, "4d") || strings.Contains(shown, "MNO") {
		t.Errorf("%s, %v", shown, err)
	}
}

func TestMasterKeyIsMadeOnceAndKept(t *testing.T) {
	t.Parallel()
	home := filepath.Join(t.TempDir(), "home")
	keeper := crypt.NewKeeper("", home)
	if none, err := keeper.Masters(); err != nil || none != nil {
		t.Fatalf("got %v, %v", none, err)
	}
	keys := make([]crypt.Masters, 8)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			var err error
			if keys[i], _, err = keeper.Make(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, k := range keys {
		if len(k) != 1 || k[0] != keys[0][0] {
			t.Fatal("two processes made two master keys")
		}
	}
	info, err := os.Stat(filepath.Join(home, "master.key"))
	if err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("got %v, %v", info.Mode(), err)
	}
	for _, broken := range []string{"short", " ", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= short"} {
		if _, err := crypt.NewKeeper(broken, home).Masters(); err == nil {
			t.Errorf("%q was taken", broken)
		}
	}
}

func TestOneMasterKeyFollowsAnother(t *testing.T) {
	t.Parallel()
	keeper := crypt.NewKeeper("", t.TempDir())
	old, isNew, err := keeper.Make()
	if err != nil || !isNew {
		t.Fatal(isNew, err)
	}
	both, err := keeper.Begin()
	if err != nil || len(both) != 2 || both[1] != old[0] {
		t.Fatalf("got %v, %v", both, err)
	}
	if now, err := keeper.Masters(); err != nil || !slices.Equal(now, both) {
		t.Errorf("got %v, %v", now, err)
	}
	if done, err := keeper.End(); err != nil || !done {
		t.Error(done, err)
	}
	if now, err := keeper.Masters(); err != nil || !slices.Equal(now, both[:1]) {
		t.Errorf("got %v, %v", now, err)
	}
	inVariable := crypt.NewKeeper("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "")
	if _, err := inVariable.Begin(); err == nil || !strings.Contains(err.Error(), "NEW OLD") {
		t.Errorf("got %v", err)
	}
}

// The token was made by the Python package cryptography.
func TestFernet(t *testing.T) {
	t.Parallel()
	const (
		key   = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
		token = "gAAAAABlU_EAAAECAwQFBgcICQoLDA0OD3nNzz54mNoLZ-hPxBtQ-h1ulIaI2kJsuMYQzqVpz9z3Zu38VHbMtvLm4nhFB96eUrl_EzcRmx-X8io_4a6BmIg="
	)
	if plain, err := crypt.OpenFernet(key, token); err != nil || string(plain) != `{"password": "s3cret"}` {
		t.Errorf("got %q, %v", plain, err)
	}
	for name, c := range map[string][2]string{
		"another key":    {"BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", token},
		"no key":         {"", token},
		"a changed text": {key, token[:60] + "A" + token[61:]},
		"a cut text":     {key, token[:80]},
		"no text":        {key, ""},
	} {
		if plain, err := crypt.OpenFernet(c[0], c[1]); err == nil {
			t.Errorf("%s opened to %q", name, plain)
		}
	}
}
