"""Writes escapes.jsonl.gz: templates that try to get out of the sandbox, drawn at random, and
what the reference makes of them.

Run it with a Python that has the reference installed: python escapes.py [count] [seed]
"""

import gzip
import json
import logging
import random
import re
import sys

from record import AWARE, CONTEXTS, outcome, tagged, volatile

THINGS = [
    "''", "name", "n", "f", "nums", "words", "d", "users[0]", "when", "span", "id", "nothing", "yes", "nope", "range(3)", "(1, 2)",
    "cycler", "joiner", "namespace", "namespace()", "cycler(1)", "joiner()", "lipsum", "dict", "range", "self", "loop", "caller",
    "m", "name.upper", "nums.append", "d.items", "d.get", "users|map(attribute='name')", "d|dictsort", "name|safe", "[].sort", "varargs",
]
INSIDE = [
    "__class__", "__mro__", "__bases__", "__base__", "__subclasses__", "__init__", "__globals__", "__builtins__", "__dict__", "__doc__",
    "__code__", "__func__", "__self__", "__closure__", "__module__", "__import__", "__getattribute__", "__reduce__", "__reduce_ex__",
    "__format__", "__call__", "__wrapped__", "__defaults__", "__kwdefaults__", "mro", "func_globals", "func_code", "im_func", "im_class",
    "gi_frame", "gi_code", "cr_frame", "ag_frame", "f_globals", "f_locals", "f_back", "tb_frame", "co_code", "_", "_private",
    "append", "clear", "pop", "update", "setdefault", "sort", "reverse", "extend", "insert", "remove", "popitem", "format", "format_map",
]
FORMS = [
    lambda t, a, r: f"{t}.{a}",
    lambda t, a, r: f"{t}['{a}']",
    lambda t, a, r: f"({t})|attr('{a}')",
    lambda t, a, r: f"({t})|attr('{a[:2]}' ~ '{a[2:]}')",
    lambda t, a, r: f"({t})|attr('{a[::-1]}'|reverse)",
    lambda t, a, r: f"({t})['{a[:3]}' + '{a[3:]}']",
    lambda t, a, r: f"({t})|attr('%s%s'|format('{a[:2]}', '{a[2:]}'))",
    lambda t, a, r: f"[{t}]|map(attribute='{a}')|list",
    lambda t, a, r: f"[{t}]|map('attr', '{a}')|first",
    lambda t, a, r: f"[{t}]|selectattr('{a}')|list",
    lambda t, a, r: f"[{t}]|rejectattr('{a}', 'defined')|list",
    lambda t, a, r: f"[{t}]|groupby('{a}')|list",
    lambda t, a, r: f"[{t}, {t}]|sort(attribute='{a}')|list",
    lambda t, a, r: f"[{t}]|sum(attribute='{a}', start='')",
    lambda t, a, r: f"'{{0.{a}}}'.format({t})",
    lambda t, a, r: f"'{{x.{a}}}'.format(x={t})",
    lambda t, a, r: f"'{{0[{a}]}}'.format({t})",
    lambda t, a, r: f"'{{x.{a}}}'.format_map({{'x': {t}}})",
    lambda t, a, r: f"('{{0.{a}}}'|safe).format({t})",
    lambda t, a, r: f"'{{0.{a}}}'|attr('format')({t})",
    lambda t, a, r: f"['{{0.{a}}}']|map('format', {t})|list",
    lambda t, a, r: f"'%({a})s' % {t}",
    lambda t, a, r: f"{t}.{a}()",
    lambda t, a, r: f"{t}.{a}(1)",
    lambda t, a, r: f"({t}).{a}.{r.choice(INSIDE)}",
    lambda t, a, r: f"({t}).{a}[{r.choice([0, 1, -1])}]",
    lambda t, a, r: f"({t}).{a}().{r.choice(INSIDE)}",
    lambda t, a, r: f"({t}).{a}|attr('{r.choice(INSIDE)}')",
]
AROUND = [
    "{{ %s }}", "{{ %s }}", "{%% set x = %s %%}{{ x }}", "{%% if %s %%}in{%% else %%}out{%% endif %%}", "{%% for x in %s %%}{{ x }}{%% endfor %%}",
    "{%% macro m() %%}{{ %s }}{%% endmacro %%}{{ m() }}", "{%% call(x) m() %%}{{ %s }}{%% endcall %%}", "{%% with x = %s %%}{{ x }}{%% endwith %%}",
    "{%% filter upper %%}{{ %s }}{%% endfilter %%}", "{{ %s|string|length > 0 }}", "{%% do %s %%}", "{%% block b %%}{{ %s }}{%% endblock %%}",
]
WHOLE = [
    "{% include 'x' %}", "{% import 'os' as os %}{{ os }}", "{% from 'os' import path %}{{ path }}", "{% extends 'x' %}", "{% include name %}",
    "{% macro m() %}{{ caller.__globals__ }}{% endmacro %}{% call m() %}{% endcall %}", "{{ self._TemplateReference__context }}",
    "{{ self.__init__.__globals__ }}", "{{ cycler.__init__.__globals__.os }}", "{{ joiner.__init__.__globals__ }}", "{{ lipsum.__globals__ }}",
    "{{ namespace.__init__ }}", "{{ ''.__class__.__mro__[1].__subclasses__() }}", "{{ ().__class__.__base__ }}", "{{ [].__class__ }}",
    "{{ request }}", "{{ config }}", "{{ get_flashed_messages }}", "{{ url_for.__globals__ }}", "{{ g.pop.__globals__ }}", "{{ open('/etc/passwd') }}",
    "{{ eval('1') }}", "{{ exec('1') }}", "{{ __import__('os') }}", "{{ __builtins__ }}", "{{ (x for x in []) }}", "{{ lambda: 1 }}",
    "{% set ns = namespace() %}{% set ns.__class__ = 1 %}{{ ns.__class__ }}", "{% set ns = namespace(__init__=1) %}{{ ns.__init__ }}",
    "{{ dict(__class__=1).__class__ }}", "{{ dict(__class__=1)['__class__'] }}", "{{ {'__class__': 1}.__class__ }}", "{{ {'mro': 1}.mro }}",
]


def draw(rng):
    if rng.random() < 0.02:
        return rng.choice(WHOLE)
    thing = rng.choice(THINGS)
    for _ in range(rng.choice([1, 1, 1, 2])):
        thing = rng.choice(FORMS)(thing, rng.choice(INSIDE), rng)
    return rng.choice(AROUND) % thing


def main(count, seed):
    logging.disable(logging.CRITICAL)
    rng = random.Random(seed)
    cases, seen = [], set()
    while len(cases) < count:
        source, which = draw(rng), rng.randrange(len(CONTEXTS))
        if (source, which) in seen:
            continue
        seen.add((source, which))
        case = outcome(source, {k: tagged(v) for k, v in CONTEXTS[which].items()})
        case["c"] = which
        if ("out" in case or case.get("err", {}).get("kind") == "TypeError") and re.search(r"\bself\b|\b(dict|namespace)\b(?!\()", source):  # shown by Python as classes are
            continue
        shown = json.dumps(case.get("out") or case.get("err") or "", ensure_ascii=False)
        if volatile(shown) or len(shown) > 2000 or re.search(r"0x[0-9a-f]{6}", shown):
            continue
        cases.append(case)
    with gzip.GzipFile("escapes.jsonl.gz", "wb", mtime=0) as f:
        f.write((json.dumps({"now": AWARE.isoformat(), "contexts": CONTEXTS}, ensure_ascii=False) + "\n").encode())
        for case in cases:
            f.write((json.dumps(case, ensure_ascii=False, sort_keys=True) + "\n").encode("utf-8", "surrogatepass"))
    kinds = {}
    for case in cases:
        kind = "invalid" if "invalid" in case else case["err"]["kind"] if "err" in case else "out"
        kinds[kind] = kinds.get(kind, 0) + 1
    print(len(cases), "cases", kinds)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
