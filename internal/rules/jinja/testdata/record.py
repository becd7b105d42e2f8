"""Writes templates.jsonl.gz: templates drawn at random, and what the reference makes of them.

Run it with a Python that has the reference installed: python record.py [count] [seed]
"""

import asyncio
import datetime as dt
import gzip
import json
import os
import random
import re
import sys
import time
import uuid

os.environ["TZ"] = "UTC"
time.tzset()

import humanize.time  # noqa: E402
import jinja2  # noqa: E402
from prefect.server.utilities import user_templates as ref  # noqa: E402

NOW = dt.datetime.now().replace(microsecond=123456)
humanize.time._now = lambda: NOW
AWARE = NOW.replace(tzinfo=dt.timezone.utc)


def tagged(v):
    """The value that JSON stands for; the kinds that JSON lacks have a tag."""
    if isinstance(v, list):
        return [tagged(x) for x in v]
    if isinstance(v, dict):
        if "$time" in v:
            return AWARE + dt.timedelta(seconds=v["$time"])
        if "$span" in v:
            return dt.timedelta(microseconds=v["$span"])
        if "$uuid" in v:
            return uuid.UUID(v["$uuid"])
        return {k: tagged(x) for k, x in v.items()}
    return v


CONTEXTS = [
    {
        "name": "hello-flow", "title": "It's <b>a</b> \"test\" & more", "empty": "", "n": 7, "neg": -3, "zero": 0,
        "big": 123456789012, "f": 3.14159, "half": 2.5, "tiny": 1e-7, "huge": 1.5e300, "yes": True, "no": False,
        "nothing": None, "words": ["pear", "Apple", "fig", "apple"], "nums": [3, 1, 2, 10, 7], "mixed": [1, "a", None, 2.5],
        "none_list": [], "text": "The quick brown fox-trot jumps over the lazy dog.\nSecond line  here\n\n  third",
        "d": {"b": 2, "a": 1, "C": 3}, "nested": {"x": {"y": [1, {"z": "deep"}]}, "k v": 1},
        "users": [{"name": "Bo", "age": 30, "tags": ["x"]}, {"name": "al", "age": 25, "tags": []}, {"name": "Cy", "age": 30}],
        "when": {"$time": -3.2}, "past": {"$time": -400000}, "future": {"$time": 86400 * 3 + 5}, "ago": {"$time": -86400 * 500},
        "span": {"$span": 93784000123}, "negspan": {"$span": -5000000}, "id": {"$uuid": "3f1c1ab2-0c1d-4e5f-8a9b-0123456789ab"},
        "url": "see https://example.com/a?b=c&d=e or www.test.org, me@x.io", "umlaut": "Grüße 漢字 🚀", "numeric": " 42 ", "fl": "2.75",
    },
    {
        "name": "x", "n": 0, "f": -0.5, "words": ["one"], "nums": [], "d": {}, "users": [], "text": "a", "when": {"$time": 0},
        "title": "<i>", "yes": False, "no": True, "span": {"$span": 59999999}, "half": 0.125, "big": 10**18, "neg": -1000,
        "nested": {"x": None}, "mixed": [[], {}, [1, [2]], {"a": [1, 2]}], "past": {"$time": -59.7}, "future": {"$time": 3600},
        "ago": {"$time": -86400}, "url": "(http://a.de/x_(y)) mailto:q@w.de", "umlaut": "straße", "numeric": "0x1F", "fl": "1e3",
    },
]


class Draw:
    def __init__(self, rng):
        self.r = rng
        self.depth = 0

    def pick(self, *options):
        return self.r.choice(options)

    def quoted(self, s):
        q = self.pick("'", '"')
        return q + s.replace("\\", "\\\\").replace(q, "\\" + q).replace("\n", "\\n") + q

    def text(self):
        self.depth += 1
        try:
            if self.depth > 3 or self.r.random() < 0.35:
                return self.pick("name", "title", "text", "empty", "umlaut", "url", "numeric", "fl", "words[0]", "words[-1]", "nested.x.y[1].z",
                                 "users[0].name",  self.quoted(self.pick("a", "b c", "Hello World", "x-y_z", "%s", "1,2,3", "<&>", "", "Ab1", "  pad ", "tab\there", "é")))
            t = self.text
            return self.pick(
                lambda: t() + "|" + self.pick("upper", "lower", "title", "capitalize", "trim", "reverse", "striptags", "urlencode", "e", "escape", "forceescape", "string", "safe", "wordcount", "length", "count", "first", "last", "urlize", "pprint", "tojson", "list"),
                lambda: f"{t()}|replace({self.quoted(self.pick('a', 'e', ' ', 'o'))}, {t()})",
                lambda: f"{t()}|replace({self.quoted(self.pick('a', 'e', ' '))}, 'Z', {self.small()})",
                lambda: f"{t()}|truncate({self.pick(5, 8, 20, 9, 3, 2)}{self.pick('', ', true', ', false, ' + self.quoted('…'), ', true, ' + self.quoted(''), ', leeway=0', ', killwords=true, end=' + self.quoted('..'))})",
                lambda: f"{t()}|center({self.pick(5, 20, 31)})",
                lambda: f"{t()}|indent({self.pick('', '2', 'width=3, first=true', 'first=true', '4, true, true', self.quoted('> '), 'blank=true')})",
                lambda: f"{t()}|wordwrap({self.pick('', '10', '5', '20, false', '12, true, ' + self.quoted('|'), '7, break_on_hyphens=false', '3')})",
                lambda: f"{t()}|default({t()}{self.pick('', ', true')})",
                lambda: f"{t()}|trim({self.quoted(self.pick('a', 'x-', ' .', 'He'))})",
                lambda: f"{t()} ~ {self.any()}",
                lambda: f"{t()} + {t()}",
                lambda: f"{t()} * {self.pick(0, 1, 2, 3, -1)}",
                lambda: f"{t()}.{self.pick('upper', 'lower', 'strip', 'title', 'capitalize', 'swapcase', 'splitlines', 'split', 'isdigit', 'isalpha', 'isupper', 'islower', 'istitle', 'isspace', 'isalnum', 'casefold', 'lstrip', 'rstrip', 'isidentifier', 'isascii', 'isnumeric', 'isdecimal', 'isprintable', 'expandtabs', 'rsplit')}()",
                lambda: f"{t()}.{self.pick('split', 'rsplit', 'partition', 'rpartition', 'count', 'find', 'rfind', 'index', 'startswith', 'endswith', 'strip', 'lstrip', 'rstrip', 'removeprefix', 'removesuffix')}({self.quoted(self.pick('a', ' ', 'o', 'He', 'x', '-', 'l'))})",
                lambda: f"{t()}.{self.pick('split', 'rsplit')}({self.pick('none', chr(39) + ' ' + chr(39), chr(39) + 'o' + chr(39))}, {self.pick(0, 1, 2)})",
                lambda: f"{t()}.{self.pick('ljust', 'rjust', 'center', 'zfill')}({self.pick(3, 8, 14)})",
                lambda: f"{t()}.{self.pick('ljust', 'rjust', 'center')}({self.pick(3, 8, 14)}, '*')",
                lambda: f"{t()}.replace({self.quoted(self.pick('a', 'e', ''))}, {t()}{self.pick('', ', 1')})",
                lambda: f"{t()}.join({self.list()})",
                lambda: f"{self.list()}|join({t()})",
                lambda: f"{t()}[{self.slice()}]",
                lambda: f"{t()}[{self.small()}]",
                lambda: f"'{self.pick('%s', '%d', '%5.2f', '%-8s|', '%05d', '%x', '%+d', '%e', '%g', '%r', '%c', '%%', '%s-%s', '%o', '%#x', '%8.3s', '%i', '%G', '%X')}' % {self.pick(self.any(), f'({self.any()},)', f'({self.any()}, {self.any()})')}",
                lambda: f"'{self.pick('%s', '%d', '%5.2f', '%s and %s', '%(a)s', '%03d')}'|format({self.pick(self.any(), f'{self.any()}, {self.any()}', f'a={self.any()}')})",
                lambda: f"'{self.pick('{}', '{:>8}', '{0}-{1}', '{a}', '{:.2f}', '{:,}', '{:05d}', '{:x}', '{!r}', '{:^9}', '{:*<6}', '{0[0]}', '{0.real}', '{:+}', '{:%}', '{:e}', '{:b}', '{{}}', '{:_}', '{:#x}', '{:g}', '{:.3}', '{:>10,.1f}')}'.format({self.any()}{self.pick('', f', {self.any()}', f', a={self.any()}')})",
                lambda: self.number() + "|" + self.pick("filesizeformat", "filesizeformat(true)", "string", "pprint", "tojson"),
                lambda: self.any() + "|" + self.pick("string", "tojson", "pprint", "tojson(2)", "tojson(indent=1)", "upper", "lower", "title", "e", "trim", "urlencode"),
                lambda: f"{self.dict()}|xmlattr{self.pick('', '(false)')}",
                lambda: f"{self.time()}.{self.pick('isoformat()', 'strftime(' + self.quoted(self.pick('%Y', '%H:%M:%S', '%b %d', '%A %j', '%d/%m/%y %I %p', '%Z %z', '%f', '%U %W %V %G %u %w', '%c', '%x %X', '%%', '%e')) + ')', 'date()', 'isoformat(timespec=' + self.quoted('milliseconds') + ')', 'isoformat(' + self.quoted(' ') + ')', 'tzinfo', 'ctime()', 'tzname()')}",
                lambda: f"({t()} if {self.bool()}{self.pick('', f' else {t()}')})",
                lambda: self.human(),
            )()
        finally:
            self.depth -= 1

    def human(self):
        return self.pick(
            lambda: f"{self.pick(self.time(), self.span(), self.number(), self.number())}|humanize_{self.pick('naturaltime', 'naturaldelta', 'precisedelta', 'naturalday', 'naturaldate', 'abs_timedelta')}",
            lambda: f"{self.pick(self.span(), self.bignum())}|humanize_precisedelta({self.quoted(self.pick('seconds', 'minutes', 'hours', 'microseconds', 'milliseconds', 'days', 'months', 'years'))}{self.pick('', ', suppress=[' + self.quoted(self.pick('days', 'seconds', 'hours', 'months')) + ']', ', format=' + self.quoted(self.pick('%d', '%0.4f', '%0.0f')))})",
            lambda: f"{self.pick(self.span(), self.bignum())}|humanize_naturaldelta({self.pick('false', 'true', 'months=false', 'minimum_unit=' + self.quoted(self.pick('milliseconds', 'microseconds', 'hours')))})",
            lambda: f"{self.pick(self.span(), self.bignum(), self.time())}|humanize_naturaltime({self.pick('true', 'future=true', 'months=false')})",
            lambda: f"{self.pick(self.number(), self.bignum(), self.any())}|humanize_{self.pick('intcomma', 'intword', 'ordinal', 'apnumber', 'fractional', 'scientific', 'naturalsize', 'metric', 'clamp')}",
            lambda: f"{self.bignum()}|humanize_{self.pick('intcomma(2)', 'intcomma(0)', 'intword(' + self.quoted('%.3f') + ')', 'scientific(3)', 'metric(' + self.quoted('V') + ')', 'metric(precision=2)', 'naturalsize(true)', 'naturalsize(gnu=true)', 'naturalsize(format=' + self.quoted('%.3f') + ')', 'clamp(0, 10)', 'clamp(ceil=5)', 'clamp(floor=2.5, format=' + self.quoted('{:.1f}') + ')')}",
        )()

    def bignum(self):
        return self.pick("big", "f", "half", "1234567", "0.3", "1e9", "999999", "-4096", "1500.5", "10**28", "86400 * 45", "3600.7", "1e-5", "0", "1", "59", "31536000", "'1234567'", "'1.5'", "'abc'", "12.5e-7", "999999999")

    def small(self):
        return self.pick("0", "1", "2", "-1", "3", "n", "9")

    def slice(self):
        return self.pick("1:", ":2", "::2", "::-1", "1:3", "-2:", ":-1", "5:1:-1", ":", "0:9:3")

    def number(self):
        self.depth += 1
        try:
            if self.depth > 3 or self.r.random() < 0.4:
                return self.pick("n", "neg", "zero", "big", "f", "half", "tiny", "huge", "nums[0]", "d.a", "users[0].age", "1", "2.5", "0x10", "1_000", "1e3", "0", "10", "-7", "0.1", "nums|length", "yes")
            x = self.number
            return self.pick(
                lambda: f"{x()} {self.pick('+', '-', '*', '/', '//', '%')} {x()}",
                lambda: f"({x()} {self.pick('+', '-', '*', '/', '//', '%')} {x()})",
                lambda: f"{x()} ** {self.pick('2', '0', '-1', '3')}",
                lambda: f"-{x()}",
                lambda: f"{x()}|{self.pick('abs', 'int', 'float', 'round', 'round(1)', 'round(2)', 'round(-1)', 'round(0, ' + self.quoted('floor') + ')', 'round(1, ' + self.quoted('ceil') + ')', 'round(method=' + self.quoted('ceil') + ')')}",
                lambda: f"{self.any()}|{self.pick('int', 'float', 'int(5)', 'float(1.5)', 'int(base=16)', 'int(0, 2)')}",
                lambda: f"{self.list()}|{self.pick('sum', 'length', 'min', 'max', 'count', 'first', 'last')}",
                lambda: f"users|{self.pick('sum', 'max', 'min')}(attribute='age')",
                lambda: f"{self.text()}|{self.pick('length', 'wordcount', 'int')}",
                lambda: f"{self.time()}.{self.pick('year', 'month', 'day', 'hour', 'minute', 'second', 'weekday()', 'isoweekday()', 'toordinal()', 'timestamp()')}",
                lambda: f"{self.span()}.{self.pick('days', 'seconds', 'total_seconds()', 'microseconds')}",
                lambda: f"{x()}.{self.pick('real', 'imag', 'bit_length()', 'is_integer()', 'numerator')}",
            )()
        finally:
            self.depth -= 1

    def list(self):
        self.depth += 1
        try:
            if self.depth > 3 or self.r.random() < 0.4:
                return self.pick("words", "nums", "mixed", "users", "none_list", "[1, 2, 3]", "['b', 'a']", "(1, 2)", "range(4)", "[1, 'x', none]", "d", "text.split()", "(n,)", "[[2, 'b'], [1, 'a']]", "range(1, 10, 3)", "d.items()", "d.keys()", "d.values()", "[]")
            x = self.list
            return self.pick(
                lambda: f"{x()}|{self.pick('sort', 'sort(true)', 'sort(reverse=true)', 'sort(case_sensitive=true)', 'list', 'reverse|list', 'unique|list', 'batch(2)|list', 'batch(2, ' + self.quoted('-') + ')|list', 'slice(2)|list', 'slice(3, 0)|list', 'first', 'last', 'min', 'max', 'join', 'tojson', 'length', 'pprint')}",
                lambda: f"{x()}|map('{self.pick('upper', 'string', 'int', 'length', 'tojson', 'lower', 'trim', 'float', 'abs')}')|list",
                lambda: f"users|map(attribute='{self.pick('name', 'age', 'tags', 'nope', 'tags.0', 'name.0')}'{self.pick('', ', default=0')})|list",
                lambda: f"{x()}|{self.pick('select', 'reject')}({self.pick('', chr(39) + 'odd' + chr(39), chr(39) + 'string' + chr(39), chr(39) + 'gt' + chr(39) + ', 2', chr(39) + 'in' + chr(39) + ', [1, 2, ' + chr(39) + 'a' + chr(39) + ']', chr(39) + 'defined' + chr(39), chr(39) + 'number' + chr(39))})|list",
                lambda: f"users|{self.pick('selectattr', 'rejectattr')}('{self.pick('age', 'tags', 'nope')}'{self.pick('', ', ' + self.quoted('equalto') + ', 30', ', ' + self.quoted('defined'), ', ' + self.quoted('gt') + ', 26')})|list",
                lambda: f"users|{self.pick('sort', 'unique', 'groupby', 'map')}({self.pick('attribute=', 'attribute=')}'{self.pick('age', 'name', 'age,name', 'nope')}')|list",
                lambda: f"{self.dict()}|{self.pick('dictsort', 'dictsort(true)', 'dictsort(by=' + self.quoted('value') + ')', 'dictsort(reverse=true)', 'items|list', 'list', 'dictsort(false, ' + self.quoted('nope') + ')')}",
                lambda: f"{x()} + {x()}",
                lambda: f"{x()} * {self.pick(0, 1, 2)}",
                lambda: f"{x()}[{self.slice()}]",
                lambda: f"{x()}.{self.pick('index', 'count')}({self.any()})",
                lambda: f"[{self.any()}, {self.any()}]",
                lambda: f"({self.any()}, {self.any()})",
                lambda: f"range({self.pick('n', '3, 9', '5, 0, -2', '101', '2.5', '0')})|list",
                lambda: f"{self.text()}|list",
            )()
        finally:
            self.depth -= 1

    def dict(self):
        return self.pick("d", "nested", "users[0]", "{'a': 1, 'b': [1, 2]}", "{}", f"{{{self.quoted(self.pick('k', 'z'))}: {self.small()}}}", "dict(a=1, b='x')", "dict(d, z=9)", "{1: 'one', 'two': 2}")

    def time(self):
        return self.pick("when", "past", "future", "ago", "when", f"({self.pick('when', 'past')} {self.pick('+', '-')} {self.span()})", "when.replace(day=1)", "when.date()", "past.replace(hour=5, microsecond=0)")

    def span(self):
        return self.pick("span", "negspan", "(when - past)", "(ago - when)", "span * 2", "(span / 3)", "(future - when)")

    def bool(self):
        self.depth += 1
        try:
            if self.depth > 3 or self.r.random() < 0.3:
                return self.pick("yes", "no", "true", "false", "name", "empty", "none_list", "nothing", "missing", "n")
            a = self.any
            return self.pick(
                lambda: f"{a()} {self.pick('==', '!=')} {a()}",
                lambda: f"{self.number()} {self.pick('<', '<=', '>', '>=', '==')} {self.number()}",
                lambda: f"{self.number()} < {self.number()} {self.pick('<', '<=', '>')} {self.number()}",
                lambda: f"{a()} {self.pick('<', '>')} {a()}",
                lambda: f"{a()} {self.pick('in', 'not in')} {self.pick(self.list(), self.text(), self.dict())}",
                lambda: f"not {self.bool()}",
                lambda: f"{self.bool()} {self.pick('and', 'or')} {self.bool()}",
                lambda: f"{a()} is {self.pick('', 'not ')}{self.pick('defined', 'undefined', 'none', 'string', 'number', 'integer', 'float', 'boolean', 'mapping', 'sequence', 'iterable', 'callable', 'true', 'false', 'escaped', 'lower', 'upper')}",
                lambda: f"{self.number()} is {self.pick('odd', 'even', 'divisibleby 3', 'divisibleby(2)', 'eq 7', 'gt 2', 'lessthan 5', 'in [1, 7]', 'sameas 7', 'ne 3')}",
                lambda: f"'{self.pick('upper', 'nope', 'odd')}' is {self.pick('filter', 'test')}",
                lambda: f"{self.time()} {self.pick('<', '>', '==')} {self.time()}",
            )()
        finally:
            self.depth -= 1

    def any(self):
        return self.pick(self.text, self.text, self.number, self.list, self.dict, self.bool, self.time, self.span,
                         lambda: self.pick("none", "id", "id.hex", "missing", "missing.deep['er']", "nested.nope", "words.nope", "n.nope", "''.__class__", "words.append", "nested.x.y", "name.upper", "mixed", "nested", "users", "d.get('a')", "d.get('q', 5)", "id|string", "[when, span, id]", "{'t': when}", "cycler(1, 2).next()", "namespace(a=1).a", "joiner()()", "missing()"))()

    def expr(self):
        e = self.any()
        return e if self.r.random() > 0.04 else self.spoil(e)

    def spoil(self, e):
        """Breaks a text somewhere."""
        if not e:
            return "("
        i = self.r.randrange(len(e))
        return self.pick(lambda: e[:i] + e[i + 1:], lambda: e[:i] + self.pick("(", ")", "|", "'", "{", "}", "%", "..", "$", " is ", "[", ",", " if ") + e[i:], lambda: e[:i])()

    def output(self):
        return "{{" + self.pick("", "", "", "-", "+") + " " + self.expr() + " " + self.pick("", "", "", "-") + "}}"

    def tag(self, inside):
        return "{%" + self.pick("", "", "-", "+") + " " + inside + " " + self.pick("", "", "-", "+") + "%}"

    def words(self):
        return self.pick("x", " ", "\n", "  \n  ", "text ", "a\nb", " - ", "", "{# note #}", "{#- note -#}", "é", "}}", "%}", "{")

    def body(self, depth):
        return "".join(self.pick(self.output, self.words, self.words, lambda: self.statement(depth + 1))() for _ in range(self.r.randint(1, 3)))

    def statement(self, depth=0):
        if depth > 2:
            return self.output()
        b = lambda: self.body(depth)  # noqa: E731
        t = self.tag
        loopvar = self.pick("i", "item")
        out = self.pick(
            lambda: t(f"if {self.bool()}") + b() + t("endif"),
            lambda: t(f"if {self.bool()}") + b() + t(f"elif {self.bool()}") + b() + t("else") + b() + t("endif"),
            lambda: t(f"for {loopvar} in {self.list()}") + "{{ " + self.pick(loopvar, "loop.index", "loop.index0", "loop.first", "loop.last", "loop.revindex", "loop.length", "loop.previtem", "loop.nextitem", "loop.cycle('a', 'b')", f"loop.changed({loopvar})", "loop.depth", f"{loopvar}|string", f"{loopvar}.name") + " }}" + b() + t("endfor"),
            lambda: t(f"for {loopvar} in {self.list()} if {self.pick(loopvar, loopvar + ' is string', loopvar + ' is odd', self.bool())}") + "{{ " + loopvar + " }}," + t("else") + b() + t("endfor"),
            lambda: t(f"for k, v in {self.pick(self.dict() + '.items()', self.dict() + '|dictsort', self.list(), self.dict() + '|items')}") + "{{ k }}={{ v }};" + t("endfor"),
            lambda: t("for x in [[1, [2, 3]], 4] recursive") + "{{ x if x is not sequence else loop(x) }}" + self.pick("", "{{ loop.depth }}") + t("endfor"),
            lambda: t(f"set a = {self.any()}") + "{{ a }}" + b(),
            lambda: t(f"set a, b = {self.pick('1, 2', self.list(), 'words[0], n')}") + "{{ a }}/{{ b }}",
            lambda: t(f"set a{self.pick('', ' | upper', ' | trim | length')}") + b() + t("endset") + "[{{ a }}]",
            lambda: t("set ns = namespace(c=0)") + t(f"for i in {self.list()}") + t("set ns.c = ns.c + 1") + t("endfor") + "{{ ns.c }}",
            lambda: t(f"with a = {self.any()}, b = {self.any()}") + "{{ a }}{{ b }}" + t("endwith") + "{{ a }}",
            lambda: t(f"filter {self.pick('upper', 'trim', 'replace(' + self.quoted('a') + ', ' + self.quoted('b') + ')', 'title|e', 'nope')}") + b() + t("endfilter"),
            lambda: t(f"macro m(p, q={self.any()})") + "<{{ p }}|{{ q }}" + self.pick("", "{{ varargs }}", "{{ kwargs }}", "{{ caller() if caller else '' }}") + ">" + t("endmacro") + "{{ m(" + self.pick("", self.any(), f"{self.any()}, 2", f"q={self.any()}", "1, 2, 3", "1, z=2", "*[1, 2]", "**{'p': 3}") + ") }}",
            lambda: t("macro m()") + "({{ caller(" + self.pick("", "1") + ") }})" + t("endmacro") + t(f"call{self.pick('', '(c)')} m()") + b() + t("endcall"),
            lambda: t("autoescape true") + self.output() + "{{ title }}{{ title|safe }}" + self.output() + t("endautoescape") + "{{ title }}",
            lambda: t("block foo") + b() + t("endblock") + self.pick("", "{{ self.foo() }}"),
            lambda: "{% raw %}" + self.pick("{{ x }}", "{% if %}", "text") + "{% endraw %}",
            lambda: t(f"print {self.any()}, {self.any()}"),
            lambda: t(self.pick("break", "include 'x'", "extends 'x'", "import 'x' as y", "do n", "endif", "else", "for", "if", "set", "trans", "set true = 1", "set 1 = 2", "for i in", "macro 1", "call n", "block", "endfor", "continue", "from 'a' import b", "set loop = 1")),
            lambda: t(f"if {self.bool()}") + b(),
            lambda: t(f"for i in {self.list()}") + b() + t("endif"),
            lambda: (t("for i in nums") * 3) + "x" + (t("endfor") * 3),
            lambda: (t("for i in nums") + t("endfor")) * 11,
        )()
        return out

    def template(self):
        kind = self.r.random()
        if kind < 0.55:
            return self.output()
        if kind < 0.9:
            return self.statement(0)
        out = self.body(0) + self.statement(0)
        return self.spoil(out) if self.r.random() < 0.4 else out


def volatile(text):
    return re.search(r"0x[0-9a-f]{6,}|<generator|<built-in|<function|<bound|<async|<class|iterator object|<coroutine|\dj\)|complex|builtin_function", text, re.I)


def failure(e):
    message = str(getattr(e, "message", None) or e)
    out = {"kind": type(e).__name__, "message": message}
    if isinstance(e, TypeError) and ("argument" in message or "strip arg" in message):  # worded by Python, otherwise in each version
        del out["message"]
    if isinstance(e, (jinja2.TemplateSyntaxError,)):
        out["line"] = e.lineno
    return out


def outcome(source, context):
    checked = None
    try:
        ref.validate_user_template(source)
    except (jinja2.TemplateSyntaxError, ref.TemplateSecurityError) as e:
        checked = {"message": e.message, "line": e.lineno}
    case = {"t": source}
    if checked:
        case["invalid"] = checked
        return case
    try:
        case["out"] = ref.render_user_template_sync(source, context)
    except ref.TemplateRenderError as e:
        case["err"] = failure(e.error)
    return case


def same_when_async(case, context):
    if "invalid" in case:
        return True
    try:
        return case.get("out") == asyncio.run(ref.render_user_template(case["t"], context))
    except ref.TemplateRenderError as e:
        return case.get("err") == failure(e.error)


def main(count, seed):
    import logging

    logging.disable(logging.CRITICAL)
    draw = Draw(random.Random(seed))
    cases, seen = [], set()
    while len(cases) < count:
        source = draw.template()
        draw.depth = 0
        which = draw.r.randrange(len(CONTEXTS))
        if len(source) > 400 or (source, which) in seen or not ref.maybe_template(source):
            continue
        seen.add((source, which))
        if re.search(r"\}\[[^]]*:", source):  # the reference folds constants, and a slice of one is undefined then
            continue
        context = lambda: {k: tagged(v) for k, v in CONTEXTS[which].items()}  # noqa: E731  templates change lists
        case = outcome(source, context())
        case["c"] = which
        shown = json.dumps(case.get("out") or case.get("err") or "", ensure_ascii=False)
        if volatile(shown) or len(shown) > 2000:
            continue
        if draw.r.random() < 0.2 and not same_when_async(case, context()):
            continue
        cases.append(case)
    with gzip.GzipFile("templates.jsonl.gz", "wb", mtime=0) as f:
        f.write((json.dumps({"now": AWARE.isoformat(), "contexts": CONTEXTS}, ensure_ascii=False) + "\n").encode())
        for case in cases:
            f.write((json.dumps(case, ensure_ascii=False, sort_keys=True) + "\n").encode("utf-8", "surrogatepass"))
    print(len(cases), "cases")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8000, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
