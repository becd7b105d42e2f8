package core_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/store"
)

var neighbour = core.Caller{Workspace: uuid.UUID{15: 7}}

// secret stores a block document with a secret in a workspace.
func (h *house) secret(in core.Caller, name, value string) uuid.UUID {
	h.t.Helper()
	kind, err := h.BlockTypeBySlug(h.t.Context(), in, "secret")
	h.ok(err)
	schemas, err := h.BlockSchemas(h.t.Context(), in, &api.BlockSchemaFilter{BlockTypeID: &api.Match[uuid.UUID]{Any: []uuid.UUID{kind.ID}}}, 1, 0)
	h.ok(err)
	d, err := h.CreateBlockDocument(h.t.Context(), in, &api.BlockDocumentCreate{
		Name: api.Some(name), BlockTypeID: kind.ID, BlockSchemaID: schemas[0].ID,
		Data: api.Some(jsontext.Value(`{"value":"` + value + `"}`)),
	})
	h.ok(err)
	return d.ID
}

// reveal reads what secret stored.
func (h *house) reveal(in core.Caller, document uuid.UUID) (string, error) {
	d, err := h.BlockDocument(h.t.Context(), in, document, true)
	if err != nil {
		return "", err
	}
	return string(d.Data), nil
}

func (h *house) reveals(in core.Caller, document uuid.UUID, value string) {
	h.t.Helper()
	if got, err := h.reveal(in, document); err != nil || got != `{"value":"`+value+`"}` {
		h.t.Errorf("got %s, %v", got, err)
	}
}

// exec changes the database behind the control plane's back.
func (h *house) exec(in core.Caller, sql string, args ...any) {
	h.t.Helper()
	h.ok(h.Store.Write(h.t.Context(), in.Workspace, func(tx *store.Tx) error {
		_, err := tx.Exec(sql, args...)
		return err
	}))
}

func (h *house) sealed(in core.Caller, document uuid.UUID) (text string) {
	h.t.Helper()
	h.ok(h.Store.Read(h.t.Context(), in.Workspace, func(tx *store.Tx) error {
		return tx.QueryRow("select data from block_document where workspace_id = ? and id = ?", []any{in.Workspace, document}, &text)
	}))
	return text
}

func (h *house) putSealed(in core.Caller, document uuid.UUID, text string) {
	h.t.Helper()
	h.exec(in, "update block_document set data = ? where workspace_id = ? and id = ?", text, in.Workspace, document)
}

func TestSecretsOpenOnlyWhereTheyBelong(t *testing.T) {
	inHouses(t, func(h *house) {
		h.exec(neighbour, "insert into workspace (id, created, updated, name, handle) values (?, 0, 0, 'neighbour', 'neighbour')", neighbour.Workspace)
		a, b, c := h.secret(who, "a", "canary"), h.secret(who, "b", "canary"), h.secret(neighbour, "a", "canary")
		h.reveals(who, a, "canary")
		h.reveals(neighbour, c, "canary")
		texts := []string{h.sealed(who, a), h.sealed(who, b), h.sealed(neighbour, c)}
		for i, text := range texts {
			if !strings.HasPrefix(text, "v2:1:") || strings.Contains(text, "canary") || text == texts[(i+1)%3] {
				t.Errorf("sealed as %s", text)
			}
		}
		for name, other := range map[string]string{"of the workspace": texts[1], "of another workspace": texts[2]} {
			h.putSealed(who, a, other)
			if got, err := h.reveal(who, a); err == nil || !strings.Contains(err.Error(), "another place") {
				t.Errorf("the secret %s opened to %s, %v", name, got, err)
			}
		}
		h.putSealed(who, a, texts[0])
		h.exec(neighbour, "delete from workspace_key where workspace_id = ?", neighbour.Workspace)
		if got, err := h.reveal(neighbour, c); err == nil || !strings.Contains(err.Error(), "is gone") {
			t.Errorf("without its workspace's key the secret opened to %s, %v", got, err)
		}
		h.reveals(who, a, "canary")
	})
}

func TestKeysRotateUnderLoad(t *testing.T) {
	inHouses(t, func(h *house) {
		var documents []uuid.UUID
		for i := range 230 {
			documents = append(documents, h.secret(who, fmt.Sprintf("s%d", i), "canary"))
		}
		ctx, stop := context.WithCancel(t.Context())
		var load sync.WaitGroup
		var reads atomic.Int64
		for i := range 3 {
			load.Go(func() {
				for k := i; ctx.Err() == nil; k++ {
					h.reveals(who, documents[k%len(documents)], "canary")
					reads.Add(1)
				}
			})
		}
		load.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				data := api.Some(jsontext.Value(`{"value":"canary"}`))
				if err := h.UpdateBlockDocument(t.Context(), who, documents[i%7], &api.BlockDocumentUpdate{Data: data}); err != nil {
					t.Error(err)
				}
			}
		})
		for want := 2; want <= 3; want++ {
			version, err := h.RotateKey(t.Context(), who)
			h.ok(err)
			if version != want {
				t.Errorf("version %d, not %d", version, want)
			}
			// Another server stops in the middle of it.
			stopped, cancel := context.WithCancel(t.Context())
			cancel()
			if err := h.Reseal(stopped, who); err == nil {
				t.Error("a stopped rotation ended well")
			}
			again, err := h.RotateKey(t.Context(), who)
			h.ok(err)
			if again != want {
				t.Errorf("version %d was made before %d was finished", again, want)
			}
			_, _, err = h.RotateMaster(t.Context())
			h.ok(err)
			h.ok(h.Reseal(t.Context(), who))
		}
		stop()
		load.Wait()
		t.Logf("%d reads", reads.Load())
		h.ok(h.Reseal(t.Context(), who))
		status, err := h.KeyStatus(t.Context(), who)
		h.ok(err)
		var got []string
		for _, s := range status {
			got = append(got, fmt.Sprintf("%d: %d", s.Version, s.Secrets))
		}
		h.equal("versions and their secrets", got, []string{"3: 230", "2: 0", "1: 0"})
	})
}

// What cannot be opened neither stops a rotation nor is lost by it.
func TestADamagedSecretKeepsItsKey(t *testing.T) {
	inHouses(t, func(h *house) {
		damaged, fine := h.secret(who, "damaged", "canary"), h.secret(who, "fine", "canary")
		text := h.sealed(who, damaged)
		h.putSealed(who, damaged, text[:len(text)-8]+"AAAAAAA=")
		_, err := h.RotateKey(t.Context(), who)
		h.ok(err)
		h.ok(h.Reseal(t.Context(), who))
		h.reveals(who, fine, "canary")
		if !strings.HasPrefix(h.sealed(who, fine), "v2:2:") {
			t.Error("the good secret was not sealed anew")
		}
		h.putSealed(who, damaged, text)
		h.reveals(who, damaged, "canary")
	})
}

func TestTheMasterKeyMustBeTheRightOne(t *testing.T) {
	inHouses(t, func(h *house) {
		h.ok(h.CheckKeys(t.Context()))
		document, right := h.secret(who, "s", "canary"), h.Keys
		text := h.sealed(who, document)
		for name, c := range map[string]struct {
			keys *crypt.Keeper
			want string
		}{
			"none":    {crypt.NewKeeper("", t.TempDir()), "there is none"},
			"another": {crypt.NewKeeper(base64.StdEncoding.EncodeToString(make([]byte, 32)), ""), "holds another one"},
		} {
			other := &core.Core{Store: h.Store, Bus: h.Bus, Clock: h.clock, Log: h.Log, Keys: c.keys}
			if err := other.CheckKeys(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v", name, err)
			}
			data := api.Some(jsontext.Value(`{"value":"plain"}`))
			if err := other.UpdateBlockDocument(t.Context(), who, document, &api.BlockDocumentUpdate{Data: data}); err == nil {
				t.Errorf("%s: a secret was stored", name)
			}
			if made, err := c.keys.Masters(); name == "none" && (err != nil || len(made) > 0) {
				t.Errorf("%s: a master key was made: %v, %v", name, made, err)
			}
		}
		if h.sealed(who, document) != text {
			t.Error("the secret was sealed anew")
		}
		other := &core.Core{Store: h.Store, Bus: h.Bus, Clock: h.clock, Log: h.Log, Keys: right}
		h.ok(other.CheckKeys(t.Context()))
	})
}

// The texts were made by the release that had the first scheme, with the master key 1, 0, 0, ….
func TestSecretsOfTheFirstSchemeOpen(t *testing.T) {
	inHouses(t, func(h *house) {
		master := "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
		const key = `"v1:sqMnn6vUwCV4aSPF36LEJgrK0VEUX2G/RuGm/NCy6uB9UhDwdpAYTckTHYlfXNQD5xpcGrQxx9P+w+QD"`
		const sealed = "v1:9jfGVfFHCwwNTWrEHWt2kPkPPO01SWAVQwgYtd8X6HxPadlf9DYlIvlHrLEw7A=="
		before := h.secret(who, "before", "x")
		h.exec(who, "delete from workspace_key where workspace_id = ?", who.Workspace)
		h.exec(who, "delete from account_key")
		h.exec(who, "update block_document set id = ?, data = ? where workspace_id = ? and id = ?", uuid.UUID{15: 5}, sealed, who.Workspace, before)
		h.exec(who, "insert into configuration (workspace_id, id, created, updated, key, value) values (?, ?, 0, 0, 'WORKSPACE_KEY', ?)", who.Workspace, uuid.UUID{15: 1}, jsontext.Value(key))
		old := func(master string) *core.Core {
			return &core.Core{Store: h.Store, Bus: h.Bus, Clock: h.clock, Log: h.Log, Keys: crypt.NewKeeper(master, t.TempDir())}
		}
		for _, wrong := range []string{"", base64.StdEncoding.EncodeToString(make([]byte, 32))} {
			if err := old(wrong).CheckKeys(t.Context()); err == nil || !strings.Contains(err.Error(), "does not hold") {
				t.Errorf("got %v", err)
			}
		}
		h.Core = old(master)
		h.ok(h.CheckKeys(t.Context()))
		h.ok(h.CheckKeys(t.Context()))
		h.reveals(who, uuid.UUID{15: 5}, "canary")
		h.ok(h.Reseal(t.Context(), who))
		h.reveals(who, uuid.UUID{15: 5}, "canary")
		if text := h.sealed(who, uuid.UUID{15: 5}); !strings.HasPrefix(text, "v2:1:") {
			t.Errorf("sealed as %s", text)
		}
	})
}

// No secret is readable in any table, nor in the events about it.
func TestTheDatabaseShowsNoSecret(t *testing.T) {
	inHouses(t, func(h *house) {
		document := h.secret(who, "s", "canary-in-the-mine")
		data := api.Some(jsontext.Value(`{"value":"second-canary-in-the-mine","message":"plain-bird"}`))
		h.ok(h.UpdateBlockDocument(t.Context(), who, document, &api.BlockDocumentUpdate{Data: data}))
		dump := h.dump()
		if !strings.Contains(dump, "plain-bird") {
			t.Error("the dump lacks what the event tells openly")
		}
		if at := strings.Index(dump, "canary"); at >= 0 {
			t.Errorf("the database shows %s", dump[max(0, at-80):at+20])
		}
	})
}

// dump returns the bytes of every cell of every table.
func (h *house) dump() string {
	h.t.Helper()
	var out strings.Builder
	h.ok(h.Store.Read(h.t.Context(), who.Workspace, func(tx *store.Tx) error {
		rows, table := `
select 'select coalesce(hex("' || group_concat(c.name, '"), '''') || coalesce(hex("') || '"), '''') from "' || m.name || '"'
from sqlite_schema as m, pragma_table_info(m.name) as c
where m.type = 'table'
group by m.name`, func(cell string) string { return string(must[[]byte](h.t)(hex.DecodeString(cell))) }
		if tx.D().Name() == "postgres" {
			rows, table = `
select 'select t::text from "' || table_name || '" as t'
from information_schema.tables
where table_schema = 'public'`, func(cell string) string { return cell }
		}
		tables, err := texts(tx, rows)
		for i := 0; i < len(tables) && err == nil; i++ {
			var cells []string
			cells, err = texts(tx, tables[i])
			for _, cell := range cells {
				out.WriteString(table(cell) + "\n")
			}
		}
		return err
	}))
	return out.String()
}

// texts returns the first column of what is selected.
func texts(tx *store.Tx, sql string) (list []string, err error) {
	err = tx.Query(sql, nil, func(row *store.Row) error {
		var text string
		err := row.Scan(&text)
		list = append(list, text)
		return err
	})
	return list, err
}
