package output

import (
	"fmt"
	"strings"
	"text/template"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/itchyny/gojq"

	"github.com/usherhq/usher/internal/api"
)

// jq prints what the expression makes of the document: strings as they are,
// everything else as JSON on one line.
func (p *Printer) jq(document jsontext.Value) error {
	query, err := gojq.Parse(p.options.JQ)
	if err != nil {
		return api.Errorf(api.CodeInvalid, "--jq %q is not a jq expression: %w", p.options.JQ, err)
	}
	var input any
	if err := json.Unmarshal(document, &input); err != nil {
		return fmt.Errorf("read the result for --jq: %w", err)
	}
	results := query.Run(input)
	for {
		result, ok := results.Next()
		if !ok {
			return nil
		}
		if err, failed := result.(error); failed {
			return api.Errorf(api.CodeInvalid, "--jq %q failed: %w", p.options.JQ, err)
		}
		if err := p.result(result); err != nil {
			return err
		}
	}
}

func (p *Printer) result(result any) error {
	if text, ok := result.(string); ok {
		return p.Line(text)
	}
	text, err := gojq.Marshal(result)
	if err != nil {
		return fmt.Errorf("write the result of --jq: %w", err)
	}
	return p.Line(string(text))
}

// template prints the document through a Go template.
func (p *Printer) template(document jsontext.Value) error {
	parsed, err := template.New("template").Funcs(p.functions()).Parse(p.options.Template)
	if err != nil {
		return api.Errorf(api.CodeInvalid, "--template is not a Go template: %w", err)
	}
	var input any
	if err := json.Unmarshal(document, &input); err != nil {
		return fmt.Errorf("read the result for --template: %w", err)
	}
	if err := parsed.Execute(p.streams.Out, input); err != nil {
		return api.Errorf(api.CodeInvalid, "--template failed: %w", err)
	}
	return nil
}

// functions are what a template may call beside the built-in ones.
func (p *Printer) functions() template.FuncMap {
	return template.FuncMap{
		"join": joinAny,
		"json": func(v any) (string, error) {
			text, err := json.Marshal(v, json.Deterministic(true))
			return string(text), err
		},
		"upper": strings.ToUpper,
		"lower": strings.ToLower,
		"timeago": func(text string) (string, error) {
			t, err := time.Parse(time.RFC3339, text)
			if err != nil {
				return "", err
			}
			return Ago(p.now(), t), nil
		},
	}
}

func joinAny(separator string, items []any) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = fmt.Sprint(item)
	}
	return strings.Join(texts, separator)
}
