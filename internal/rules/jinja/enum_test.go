package jinja_test

import (
	"testing"
	"time"

	"github.com/usherhq/usher/internal/rules/jinja"
)

// TestEnumerations compares with what the reference's templates make of its enumerations.
func TestEnumerations(t *testing.T) {
	t.Parallel()
	state := jinja.Enum{Class: "StateType", Name: "COMPLETED", Value: "COMPLETED"}
	names := map[string]any{"t": state, "s": []any{state}, "set": jinja.Set{state}, "empty": jinja.Set{}}
	for template, want := range map[string]string{
		"{{t}}": "StateType.COMPLETED", "{{s}}": "[StateType.COMPLETED]", "{{t=='COMPLETED'}}": "True", "{{t|upper}}": "COMPLETED",
		"{{t.lower()}}": "completed", "{{t.value}}": "COMPLETED", "{{t.name}}": "COMPLETED", "{{t ~ 'x'}}": "StateType.COMPLETEDx",
		"{{t + 'x'}}": "COMPLETEDx", "{{t|length}}": "9", "{{t|tojson}}": `"COMPLETED"`, "{{t in ['COMPLETED']}}": "True",
		"{{'COMP' in t}}": "True", "{{t|string}}": "StateType.COMPLETED", "{{t|replace('COMPLETED','x')}}": "StateType.x",
		"{{t|title}}": "Completed", "{{t|default('x')}}": "StateType.COMPLETED", "{{ '%s' % t }}": "StateType.COMPLETED",
		"{{ '{}'.format(t) }}": "StateType.COMPLETED", "{{ t[0] }}": "C", "{{ {'COMPLETED':1}[t] }}": "1", "{{ t is string }}": "True",
		"{{ set }}": "{StateType.COMPLETED}", "{{ set|list }}": "[StateType.COMPLETED]", "{{ set|first }}": "StateType.COMPLETED",
		"{{ set|join(',') }}": "StateType.COMPLETED", "{{ 'COMPLETED' in set }}": "True", "{{ 'FAILED' in set }}": "False", "{{ set|length }}": "1",
		"{% for x in set %}{{ x.value }}/{{ x.name }}{% endfor %}": "COMPLETED/COMPLETED", "{{ empty }}": "set()", "{{ 'y' if empty else 'n' }}": "n",
		"{{ t|e }}": "StateType.COMPLETED", "{{ 'a' < t }}": "False", "{{ t|first }}": "C", "{{ t|trim }}": "COMPLETED", "{{t|lower}}": "completed",
		"{{ s|join(',') }}": "StateType.COMPLETED", "{{ t|list }}": "['C', 'O', 'M', 'P', 'L', 'E', 'T', 'E', 'D']", "{{ t|pprint }}": "StateType.COMPLETED",
		"{% if t %}yes{% endif %}": "yes", "{{ t != 'FAILED' }}": "True",
	} {
		if got, err := jinja.Render(template, names, jinja.Env{Now: time.Now()}); err != nil || got != want {
			t.Errorf("%s: %q %v, want %q", template, got, err, want)
		}
	}
}
