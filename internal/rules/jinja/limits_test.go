package jinja_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/rules/jinja"
)

// twice makes a list that holds another one twice, which does so too, 60 levels deep; deep one
// that is in very many others.
var (
	twice = `{% set ns = namespace(l=[1]) %}` + strings.Repeat(`{% set ns.l = [ns.l, ns.l] %}`, 60)
	deep  = `{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% for j in range(5) %}{% set ns.l = [ns.l] %}{% endfor %}{% endfor %}`
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
	"ranges within ranges":         strings.Repeat(`{% for x in range(99999) %}`, 5) + `x` + strings.Repeat(`{% endfor %}`, 5),
	"lists of ranges":              `{% for a in range(100000) %}{% set x = range(100000)|list %}{% endfor %}`,
	"products of lists":            `{{ ([[1] * 9999] * 9999)|sum(start=[])|list|length }}`,
	"lists that hold lists twice":  twice + `{{ ns.l }}`,
	"… as JSON":                    twice + `{{ ns.l|tojson }}`,
	"… over several lines":         twice + `{{ ns.l|pprint }}`,
	"… compared":                   twice + `{% set a = ns.l %}` + twice + `{{ a == ns.l }}`,
	"… looked for":                 twice + `{% set a = ns.l %}` + twice + `{{ [a].index(ns.l) }}{{ [a].count(ns.l) }}`,
	"… sorted":                     twice + `{% set a = ns.l %}` + twice + `{{ [a, ns.l]|sort }}`,
	"… in a text":                  twice + `{{ '%s' % (ns.l,) }}`,
	"… in a field":                 twice + `{{ '{}'.format(ns.l) }}`,
	"… joined":                     twice + `{{ [ns.l, ns.l]|join }}`,
	"… put together":               twice + `{{ ns.l ~ ns.l }}`,
	"… summed up":                  twice + `{{ ns.l|sum(start=[])|length }}`,
	"… as a key":                   strings.ReplaceAll(strings.ReplaceAll(twice, "[", "("), "]", ")") + `{{ {ns.l: 1} }}`,
	"dicts that hold dicts twice":  `{% set ns = namespace(l=1) %}` + strings.Repeat(`{% set ns.l = {1: ns.l, 2: ns.l} %}`, 60) + `{{ ns.l }}`,
	"tuples in tuples as a key":    `{% set ns = namespace(l=1) %}` + strings.Repeat(`{% set ns.l = (ns.l,) %}`, 60) + `{% for i in range(99999) %}{% for j in range(99999) %}{% set x = {ns.l: 1} %}{% endfor %}{% endfor %}`,
	"a deep list":                  deep + `{{ ns.l }}`,
	"a deep list as JSON":          deep + `{{ ns.l|tojson }}`,
	"deep lists compared":          deep + `{% set a = ns.l %}` + deep + `{{ a == ns.l }}`,
	"a deep list over many lines":  deep + `{{ ns.l|pprint }}`,
	"a deep tuple as a key":        strings.ReplaceAll(strings.ReplaceAll(deep, "[ns.l]", "(ns.l,)"), "[]", "1") + `{{ {ns.l: 1} }}`,
	"sorting again and again":      `{% for i in range(100000) %}{% set x = range(100000)|sort %}{% endfor %}`,
	"grouping":                     `{% for i in range(99999) %}{% set x = range(99999)|groupby('real')|list %}{% endfor %}`,
	"a macro with two calls":       `{% macro m(n) %}{{ m(n - 1) ~ m(n - 1) if n else 'x' }}{% endmacro %}{{ m(60) }}`,
	"a caller that calls":          `{% macro m() %}{{ caller() }}{% endmacro %}{% macro n() %}{% call m() %}{{ n() }}{% endcall %}{% endmacro %}{{ n() }}`,
	"links of brackets":            `{{ ('http://' ~ '(' * 500000)|urlize }}{% for i in range(99999) %}{{ ('(' * 99999 ~ 'a.com' ~ ')' * 99999)|urlize|length }}{% endfor %}`,
	"tags of brackets":             `{% for i in range(99999) %}{{ ('<' * 99999)|striptags|length }}{% endfor %}`,
	"comments of brackets":         `{% for i in range(99999) %}{{ ('<!--' * 99999)|striptags|length }}{% endfor %}`,
	"wrapping words":               `{% for i in range(99999) %}{{ ('a ' * 99999)|wordwrap(1)|length }}{% endfor %}`,
	"counting in texts":            `{% for i in range(99999) %}{{ ('a' * 99999).count('a' * 50000 ~ 'b') }}{% endfor %}`,
	"titles":                       `{% for i in range(99999) %}{{ ('a-' * 99999)|title|length }}{% endfor %}`,
	"numbers of digits":            `{% set ns = namespace(n=9) %}` + strings.Repeat(`{% set ns.n = ns.n * ns.n %}`, 60) + `{{ ns.n }}`,
	"texts of numbers":             `{% set ns = namespace(n=7) %}` + strings.Repeat(`{% set ns.n = ns.n * ns.n %}`, 18) + `{% for i in range(99999) %}{{ ns.n|string|length }}{% endfor %}`,
	"a format in a format":         `{{ '{:{}}'.format('x', '9' * 20) }}`,
	"formats of formats":           `{% for i in range(99999) %}{{ ('{:>9999}' * 999).format(*[1] * 999) }}{% endfor %}`,
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

// Whatever they multiply, templates take no more memory than this all in all, garbage too.
const mostMemory = 256 << 20

func TestTemplatesTakeLittleMemory(t *testing.T) {
	for name, source := range hostile {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = jinja.Render(source, nil, jinja.Env{}) // TestTemplatesEndInTime looks at what comes of it
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > mostMemory {
			t.Errorf("%s takes %d MiB", name, took>>20)
		} else {
			t.Logf("%s takes %d MiB", name, took>>20)
		}
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
	for _, source := range []string{
		"{{ ''.__class__.__mro__[1].__subclasses__() }}", "{{ '{0.__class__}'.format(t) }}", "{{ t|attr('__cl' ~ 'ass__') }}", "{{ [d]|map(attribute='__init__')|list }}",
		"{% set ns = namespace(l=[1]) %}{% set ns.l = [ns.l, ns.l] %}{{ {(ns.l|string,): ns.l}|pprint }}", "{{ '%(a)s' % d }}{{ cycler.__init__ }}{{ self.b }}",
	} {
		f.Add(source)
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
