// Package mcp speaks the Model Context Protocol over a pair of streams, one JSON-RPC
// message a line, so that an assistant can call tools.
package mcp

import (
	"bufio"
	"context"
	"errors"
	"io"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Server offers tools to one client.
type Server struct {
	Name    string
	Version string
	Tools   []Tool
}

// Tool is something that an assistant can call.
type Tool struct {
	Name        string
	Description string
	Arguments   []Argument
	Writes      bool // it changes something
	// Call does the work; its result is shown as JSON, its error to the assistant.
	Call func(ctx context.Context, arguments Values) (any, error)
}

// Argument is one argument of a tool; Type is a type of JSON Schema.
type Argument struct {
	Name        string
	Type        string
	Description string
	Required    bool
}

// versions of the protocol that are spoken, the newest first.
var versions = [...]string{"2025-06-18", "2025-03-26", "2024-11-05"}

// The errors of JSON-RPC.
const (
	notJSON     = -32700
	notARequest = -32600
	noMethod    = -32601
	badParams   = -32602
)

type message struct {
	Version string         `json:"jsonrpc"`
	ID      jsontext.Value `json:"id,omitzero"`
	Method  string         `json:"method,omitzero"`
	Params  jsontext.Value `json:"params,omitzero"`
}

type answer struct {
	Version string         `json:"jsonrpc"`
	ID      jsontext.Value `json:"id"`
	Result  any            `json:"result,omitzero"`
	Error   *fault         `json:"error,omitzero"`
}

type fault struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// longest is how long a message may be.
const longest = 16 << 20

// Serve answers what the client sends until it ends. Messages that are broken are
// answered as such.
func (s *Server) Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 64<<10), longest)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		reply := s.handle(ctx, lines.Bytes())
		if reply == nil {
			continue
		}
		text, err := json.Marshal(reply, json.Deterministic(true))
		if err != nil {
			return err
		}
		if _, err := out.Write(append(text, '\n')); err != nil {
			return err
		}
	}
	return errors.Join(lines.Err(), ctx.Err())
}

// handle answers one message; a notification has no answer.
func (s *Server) handle(ctx context.Context, line []byte) *answer {
	var m message
	null := jsontext.Value("null")
	if err := json.Unmarshal(line, &m); err != nil {
		code := notJSON
		if jsontext.Value(line).IsValid() {
			code = notARequest
		}
		return &answer{Version: "2.0", ID: null, Error: &fault{code, "not a message of JSON-RPC: " + err.Error()}}
	}
	if len(m.ID) == 0 {
		return nil
	}
	result, problem := s.call(ctx, &m)
	return &answer{Version: "2.0", ID: m.ID, Result: result, Error: problem}
}

func (s *Server) call(ctx context.Context, m *message) (any, *fault) {
	switch m.Method {
	case "initialize":
		return s.initialize(m.Params), nil
	case "ping":
		return struct{}{}, nil
	case "tools/list":
		return map[string]any{"tools": s.list()}, nil
	case "tools/call":
		return s.callTool(ctx, m.Params)
	}
	return nil, &fault{noMethod, "there is no method " + m.Method}
}

// initialize takes the client's version of the protocol if it is spoken here.
func (s *Server) initialize(params jsontext.Value) any {
	var asked struct {
		Version string `json:"protocolVersion"`
	}
	version := versions[0]
	if json.Unmarshal(params, &asked) == nil && slices.Contains(versions[:], asked.Version) {
		version = asked.Version
	}
	return map[string]any{
		"protocolVersion": version,
		"capabilities":    map[string]any{"tools": struct{}{}},
		"serverInfo":      map[string]any{"name": s.Name, "version": s.Version},
	}
}

func (s *Server) list() []any {
	list := make([]any, len(s.Tools))
	for i, t := range s.Tools {
		properties, required := map[string]any{}, []string{}
		for _, a := range t.Arguments {
			properties[a.Name] = map[string]any{"type": a.Type, "description": a.Description}
			if a.Required {
				required = append(required, a.Name)
			}
		}
		list[i] = map[string]any{
			"name": t.Name, "description": t.Description, "annotations": map[string]any{"readOnlyHint": !t.Writes},
			"inputSchema": map[string]any{"type": "object", "properties": properties, "required": required},
		}
	}
	return list
}

func (s *Server) callTool(ctx context.Context, params jsontext.Value) (any, *fault) {
	var asked struct {
		Name      string `json:"name"`
		Arguments Values `json:"arguments"`
	}
	if err := json.Unmarshal(params, &asked); err != nil {
		return nil, &fault{badParams, err.Error()}
	}
	i := slices.IndexFunc(s.Tools, func(t Tool) bool { return t.Name == asked.Name })
	if i < 0 {
		return nil, &fault{badParams, "there is no tool " + asked.Name}
	}
	if err := s.Tools[i].check(asked.Arguments); err != nil {
		return nil, &fault{badParams, err.Error()}
	}
	result, err := s.Tools[i].Call(ctx, asked.Arguments)
	if err != nil {
		return content(err.Error(), true), nil
	}
	text, err := json.Marshal(result, json.Deterministic(true))
	if err != nil {
		return content(err.Error(), true), nil
	}
	return content(string(text), false), nil
}

func content(text string, failed bool) any {
	return map[string]any{"content": []any{map[string]any{"type": "text", "text": text}}, "isError": failed}
}
