package document_test

import (
	"strings"
	"testing"

	"github.com/usherhq/usher/internal/document"
)

func TestFilesBecomeJSON(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a: yes\nb: [1, 0x10, 1.5]\nc: ~":    `{"a":true,"b":[1,16,1.5],"c":null}`,
		`{"a": "1", "b": {"c": []}}`:         `{"a":"1","b":{"c":[]}}`,
		"x: &x {a: 1}\ny:\n  <<: *x\n  b: 2": `{"x":{"a":1},"y":{"a":1,"b":2}}`,
	} {
		got, err := document.ReadFile(document.Stdin, strings.NewReader(in))
		if err != nil || string(got) != want {
			t.Errorf("%q is %s (%v), want %s", in, got, err, want)
		}
	}
}

func TestAFileOfCommentsIsEmpty(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\n", "# nothing\n", "---\n"} {
		if node, err := document.Parse("prefect.yaml", []byte(text)); err != nil || len(node.Content) > 0 {
			t.Errorf("%q: %v, %v", text, node, err)
		}
	}
}

func TestMistakesHaveTheirPlace(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"a": `:           "--data:1:7: ",
		"{\n  \"a\": x\n}": "--data:2:8: ",
		`{} {}`:            "--data:1:5: ",
	} {
		if _, err := document.ReadJSON("--data", in); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: error %q, want one that begins with %q", in, err, want)
		}
	}
	if _, err := document.ReadFile(document.Stdin, strings.NewReader("a: *a")); err == nil || !strings.HasPrefix(err.Error(), "standard input:1:") {
		t.Errorf("an anchor that is not there: %v", err)
	}
}

func TestWrittenDocumentsReadBack(t *testing.T) {
	t.Parallel()
	const value = `{"a":["yes","010","1:30","~","","<<","2026-01-01 10:00:00","x: y","a\nb\n"],"b":{"c":[],"d":{},"e":1.5,"f":null,"no":true}}`
	var text strings.Builder
	if err := document.WriteYAML(&text, []byte(value)); err != nil {
		t.Fatal(err)
	}
	got, err := document.ReadFile(document.Stdin, strings.NewReader(text.String()))
	if err != nil || string(got) != value {
		t.Errorf("%s\nreads as %s (%v)", text.String(), got, err)
	}
}

func TestAFileHasManyDocuments(t *testing.T) {
	t.Parallel()
	docs, err := document.ParseAll("x.yaml", []byte("# first\na: 1\n---\n---\nb: 2\n"))
	if err != nil || len(docs) != 2 || docs[1].Line != 5 {
		t.Errorf("%v, %v", docs, err)
	}
	if docs, err := document.ParseAll("x.yaml", []byte("# nothing\n")); err != nil || len(docs) != 0 {
		t.Errorf("only comments: %v, %v", docs, err)
	}
	if _, err := document.ParseAll("x.yaml", []byte("a: 1\n---\nb: [")); err == nil || !strings.HasPrefix(err.Error(), "x.yaml:4:") {
		t.Errorf("broken: %v", err)
	}
}
