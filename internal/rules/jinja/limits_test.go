package jinja_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/rules/jinja"
)

// hostile are templates that would take the server with them if they were let.
var hostile = map[string]string{
	"a text of terabytes":          `{{ 'x' * 10**13 }}`,
	"a list of terabytes":          `{{ [1] * 10**13 }}`,
	"a power":                      `{{ 9**(9**9) }}`,
	"a wide number":                `{{ '%999999999999d' % 1 }}`,
	"a precise number":             `{{ '%.999999999f' % 1 }}`,
	"a wide field":                 `{{ '{:>9999999}'.format(1) * 100 }}`,
	"centring":                     `{{ 'x'|center(10**15) }}`,
	"indenting":                    `{{ 'x\ny'|indent(10**15) }}`,
	"filling":                      `{{ [1]|batch(10**12, 0)|list }}`,
	"slicing":                      `{{ [1]|slice(10**12)|list }}`,
	"tabs":                         `{{ '\t'.expandtabs(10**12) }}`,
	"doubling":                     `{% set ns = namespace(x='xxxxxxxxxxxxxxxx') %}` + strings.Repeat(`{% set ns.x = ns.x ~ ns.x %}`, 40),
	"a macro that calls itself":    `{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}`,
	"a loop that calls itself":     `{% for x in [[1]] recursive %}{{ loop([x]) }}{% endfor %}`,
	"a block that shows itself":    `{% block b %}{{ self.b() }}{% endblock %}`,
	"loops within macros":          `{% macro m(n) %}{% for i in range(100) %}{% for j in range(100) %}{{ m(n) if n else '' }}{% endfor %}{% endfor %}{% endmacro %}{{ m(1) }}`,
	"many replacements":            `{{ ('a' * 100000).replace('a', 'b' * 100000) }}`,
	"brackets within brackets":     `{{ ` + strings.Repeat("(", 100_000) + `1` + strings.Repeat(")", 100_000) + ` }}`,
	"lists within lists":           `{{ ` + strings.Repeat("[", 100_000) + ` }}`,
	"signs before signs":           `{{ ` + strings.Repeat("-", 100_000) + `1 }}`,
	"nots before nots":             `{{ ` + strings.Repeat("not ", 100_000) + `1 }}`,
	"conditions within conditions": strings.Repeat("{% if 1 %}", 10_000),
	"lorem ipsum":                  `{{ lipsum(10**12) }}`,
	"json with a deep indent":      `{{ [[[[1]]]]|tojson(10**12) }}`,
	"joining much":                 `{{ ('x' * 10000)|join('y' * 10000) }}`,
}

func TestTemplatesEndInTime(t *testing.T) {
	t.Parallel()
	for name, source := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			out, err := jinja.Render(source, nil, jinja.Env{})
			if err == nil && len(out) > jinja.DefaultOutput {
				t.Errorf("comes to %d bytes", len(out))
			}
			if err == nil && !strings.Contains(name, "field") {
				t.Errorf("renders %d bytes, want an error", len(out))
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("takes %s", took)
			}
		})
	}
}

func TestWhatIsMadeOfATemplateIsLimited(t *testing.T) {
	t.Parallel()
	var problem *jinja.Error
	_, err := jinja.Render("{{ 'x' * 2000 }}", nil, jinja.Env{Output: 1000})
	if !errors.As(err, &problem) || problem.Kind != "TemplateSecurityError" || problem.Line != 1 {
		t.Errorf("too much output: %v", err)
	}
	_, err = jinja.Render("\n{% for i in range(100) %}{{ i }}{% endfor %}", nil, jinja.Env{Steps: 50})
	if !errors.As(err, &problem) || problem.Kind != "TemplateSecurityError" || problem.Line != 2 {
		t.Errorf("too many steps: %v, line %d", err, problem.Line)
	}
}

// FuzzTemplates looks for templates that break the engine instead of failing in it.
func FuzzTemplates(f *testing.F) {
	for _, source := range hostile {
		if len(source) < 1000 {
			f.Add(source)
		}
	}
	f.Add("{% for a, b in d|dictsort %}{{ loop.index }}{{ a|tojson }}{% endfor %}")
	f.Fuzz(func(t *testing.T, source string) {
		vars := map[string]any{"d": map[string]any{"a": 1, "b": []any{1.5, nil}}, "t": time.Unix(0, 0)}
		out, err := jinja.Render(source, vars, jinja.Env{Steps: 20_000, Output: 10_000})
		var problem *jinja.RenderError
		if err != nil && !errors.As(err, &problem) {
			t.Errorf("%q: %T", source, err)
		}
		if jinja.MaybeTemplate(source) && len(out) > 10_000 {
			t.Errorf("%q comes to %d bytes", source, len(out))
		}
	})
}
