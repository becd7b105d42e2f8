package document

import (
	"bytes"
	"errors"
	"io"
	"os"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
)

// Stdin is the path that means standard input.
const Stdin = "-"

// Read reads a file, or stdin if path is Stdin. name is what messages call it.
func Read(path string, stdin io.Reader) (name string, data []byte, err error) {
	name = path
	if path == Stdin {
		name = "standard input"
		data, err = io.ReadAll(stdin)
	} else {
		data, err = os.ReadFile(path)
	}
	if err != nil {
		return name, nil, api.Errorf(api.CodeInvalid, "read %s: %w", name, err)
	}
	return name, data, nil
}

// ReadFile reads a YAML or JSON file, or stdin if path is Stdin, into JSON. Errors carry
// file, line and column.
func ReadFile(path string, stdin io.Reader) (jsontext.Value, error) {
	name, data, err := Read(path, stdin)
	if err != nil {
		return nil, err
	}
	root, err := Parse(name, data)
	if err != nil {
		return nil, err
	}
	value, err := Tree(root)
	if err != nil {
		return nil, Located(name, err)
	}
	return json.Marshal(value, json.Deterministic(true))
}

// ReadJSON checks a text that must be JSON; its error says where it is not.
func ReadJSON(name, text string) (jsontext.Value, error) {
	value := jsontext.Value(text)
	dec := jsontext.NewDecoder(bytes.NewReader(value))
	_, err := dec.ReadValue()
	if err == nil {
		if _, err = dec.ReadToken(); errors.Is(err, io.EOF) {
			return value, nil
		}
		if err == nil {
			err = errors.New("there is more after the first value")
		}
	}
	words, offset := complaintOf(err, dec.InputOffset())
	line, column := lineOf(value, offset)
	return nil, api.Errorf(api.CodeInvalid, "%s:%d:%d: not JSON: %s", name, line, column, words)
}

// complaintOf takes the place out of the parser's words.
func complaintOf(err error, after int64) (words string, offset int64) {
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) && syntax.Err != nil {
		return syntax.Err.Error(), syntax.ByteOffset
	}
	return err.Error(), after
}

// lineOf turns an offset into a place, both counted from one.
func lineOf(text []byte, offset int64) (line, column int) {
	before := text[:min(int(offset), len(text))]
	line = 1 + bytes.Count(before, []byte("\n"))
	return line, 1 + len(before) - (bytes.LastIndexByte(before, '\n') + 1)
}
