package rest_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/rules/masking"
	"github.com/usherhq/usher/internal/server"
	"github.com/usherhq/usher/internal/store/storetest"
)

// logLines is a request with lines that were written at the same time.
func logLines(run string, from, to int) string {
	lines := make([]string, 0, to-from)
	for i := from; i < to; i++ {
		lines = append(lines, fmt.Sprintf(`{"name":"n","level":20,"message":"line %d","timestamp":"2026-01-01T00:00:00Z","flow_run_id":%q}`, i, run))
	}
	return "[" + strings.Join(lines, ",") + "]"
}

// Lines of one time come in the order they were sent in, each once, in pages and in the
// download, while others are written.
func TestEveryLineIsListedOnce(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, url string) {
		flow := must(t, url, "POST /flows/", `{"name":"f"}`, http.StatusCreated, "id")
		run := must(t, url, "POST /flow_runs/", fmt.Sprintf(`{"flow_id":%q,"name":"r"}`, flow), http.StatusCreated, "id")
		other := must(t, url, "POST /flow_runs/", fmt.Sprintf(`{"flow_id":%q,"name":"o"}`, flow), http.StatusCreated, "id")
		const lines = 5200
		must(t, url, "POST /logs/", logLines(run, 0, 2600), http.StatusCreated, "")
		must(t, url, "POST /logs/", logLines(other, 0, 3), http.StatusCreated, "")
		must(t, url, "POST /logs/", logLines(run, 2600, lines), http.StatusCreated, "")
		var download string
		_, answer := ask(t, url, "GET /flow_runs/"+run+"/logs/download", "")
		if err := json.Unmarshal(answer, &download); err != nil {
			t.Fatal(err)
		}
		rows := strings.Split(strings.TrimSuffix(download, "\r\n"), "\r\n")
		if len(rows) != lines+1 {
			t.Fatalf("the download has %d lines", len(rows))
		}
		for i, row := range rows[1:] {
			if !strings.HasSuffix(row, fmt.Sprintf(",line %d", i)) {
				t.Fatalf("line %d of the download is %s", i, row)
			}
		}
		for offset := 0; offset < 600; offset += 200 {
			_, page := ask(t, url, "POST /logs/filter", fmt.Sprintf(`{"logs":{"flow_run_id":{"any_":[%q]}},"limit":200,"offset":%d}`, run, offset))
			must(t, url, "POST /logs/", logLines(run, lines, lines+10), http.StatusCreated, "")
			if strings.Count(string(page), `"id"`) != 200 || !strings.Contains(string(page), fmt.Sprintf(`"line %d"`, offset)) || !strings.Contains(string(page), fmt.Sprintf(`"line %d"`, offset+199)) {
				t.Errorf("the page at %d is %.300s", offset, page)
			}
		}
	})
}

func TestABatchOfLinesCountsAsAWhole(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, url string) {
		line := func(message string, level int) string {
			return fmt.Sprintf(`{"name":"n\u0000ame","level":%d,"message":"%s","timestamp":"2026-01-01T00:00:00Z"}`, level, message)
		}
		for _, level := range []int{32768, -32769} {
			must(t, url, "POST /logs/", "["+line("good", 20)+","+line("bad", level)+"]", http.StatusUnprocessableEntity, "")
		}
		must(t, url, "POST /logs/", "["+line("a\\u0000b", 32767)+","+line("c", -32768)+"]", http.StatusCreated, "")
		_, kept := ask(t, url, "POST /logs/filter", `{}`)
		if text := string(kept); strings.Count(text, `"id"`) != 2 || !strings.Contains(text, `"ab"`) || !strings.Contains(text, `"name":"name"`) {
			t.Errorf("kept is %s", kept)
		}
	})
}

func TestLinesAreNotKeptWhereTheyAreNotWanted(t *testing.T) {
	t.Parallel()
	url := startServerWith(t, storetest.SQLiteURL(t), func(o *server.Options) { o.Mutes.Logs = true })
	must(t, url, "POST /logs/", logLines("11111111-1111-4111-8111-111111111111", 0, 3), http.StatusCreated, "")
	if _, kept := ask(t, url, "POST /logs/filter", `{}`); string(kept) != "[]" {
		t.Errorf("kept is %s", kept)
	}
}

// TestLinesAreMaskedBeforeTheyAreKept looks for a secret in what is answered, told at the socket,
// and in the files of the database.
func TestLinesAreMaskedBeforeTheyAreKept(t *testing.T) {
	t.Parallel()
	masks, err := masking.Parse([]string{masking.Known, `acme-\d+`})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "usher.db")
	url := startServerWith(t, file, func(o *server.Options) { o.Masks = masks })
	conn, _, err := websocket.Dial(t.Context(), url+"/logs/out", &websocket.DialOptions{Subprotocols: []string{"prefect"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow() //nolint:errcheck // closing
	for _, say := range []string{`{"type":"auth","token":null}`, `{"type":"filter","filter":{}}`} {
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(say)); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := conn.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	must(t, url, "POST /logs/", `[{"name":"n","level":20,"message":"login password=hunter2canary for acme-4711canary of ada","timestamp":"2026-01-01T00:00:00Z"}]`, http.StatusCreated, "")
	const want = "login password=******** for ********canary of ada"
	if _, kept := ask(t, url, "POST /logs/filter", `{}`); !strings.Contains(string(kept), want) {
		t.Errorf("kept is %s", kept)
	}
	if _, line, err := conn.Read(t.Context()); err != nil || !strings.Contains(string(line), want) {
		t.Errorf("told is %s, %v", line, err)
	}
	for _, name := range []string{file, file + "-wal"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("hunter2canary")) || bytes.Contains(text, []byte("acme-4711")) {
			t.Errorf("%s has a secret", name)
		}
	}
}
