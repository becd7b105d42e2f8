package pyflow_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/rules/pyflow"
	"github.com/usherhq/usher/internal/testkit"
)

// flow is what the SDK tells of a flow.
type flow struct {
	Name        string         `json:"name"`
	Description *string        `json:"description"`
	Version     string         `json:"version"`
	Schema      jsontext.Value `json:"parameter_openapi_schema"`
	Error       string         `json:"error"`
}

// describe loads each file once and tells of its flows what a deployment needs to know.
const describe = `
import json, sys
from prefect.utilities.importtools import load_script_as_module
modules, found = {}, {}
for entrypoint in json.load(open("entrypoints.json")):
    file, name = entrypoint.rsplit(":", 1)
    try:
        if file not in modules:
            modules[file] = load_script_as_module(file)
        flow = getattr(modules[file], name)
        found[entrypoint] = {"name": flow.name, "description": flow.description, "version": flow.version,
                             "parameter_openapi_schema": flow.parameters.model_dump(exclude_unset=True)}
    except Exception as error:
        found[entrypoint] = {"error": repr(error)}
json.dump(found, open("found.json", "w"))
`

// ask loads all flows of the files in one interpreter of the reference.
func ask(t *testing.T, dir string, entrypoints []string) map[string]flow {
	t.Helper()
	request, err := json.Marshal(entrypoints)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "entrypoints.json"), request, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), testkit.Reference(t).Python, "-c", describe)
	cmd.Dir, cmd.Env = dir, testkit.Env(t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	answer, err := os.ReadFile(filepath.Join(dir, "found.json"))
	if err != nil {
		t.Fatal(err)
	}
	var found map[string]flow
	if err := json.Unmarshal(answer, &found); err != nil {
		t.Fatalf("%v: %.200s", err, answer)
	}
	return found
}

// canonical is JSON whose strings and numbers are written in one way and whose members keep
// their order.
func canonical(t *testing.T, v jsontext.Value) string {
	t.Helper()
	v = v.Clone()
	if err := v.Format(jsontext.CanonicalizeRawFloats(true), jsontext.PreserveRawStrings(false), jsontext.SpaceAfterColon(false), jsontext.SpaceAfterComma(false)); err != nil {
		t.Fatal(err)
	}
	return string(v)
}

// compare reads the flows of the files from their source, and says how many could be read.
// What is read must be what the SDK tells.
func compare(t *testing.T, dir string, entrypoints []string) (read int) {
	t.Helper()
	told := ask(t, dir, entrypoints)
	for _, entrypoint := range entrypoints {
		file, function, _ := strings.Cut(entrypoint, ":")
		source, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		want := told[entrypoint]
		got, err := pyflow.Read(source, function)
		var unknown *pyflow.Unknown
		if errors.As(err, &unknown) {
			t.Logf("%s is left to Python: %v", entrypoint, err)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", entrypoint, err)
			continue
		}
		read++
		if want.Error != "" {
			t.Errorf("%s was read, and the SDK refuses it: %s", entrypoint, want.Error)
			continue
		}
		if got.Name != want.Name || got.Version != want.Version || (got.Description == nil) != (want.Description == nil) ||
			got.Description != nil && *got.Description != *want.Description {
			t.Errorf("%s: read %+v, the SDK says %+v", entrypoint, got, want)
		}
		if a, b := canonical(t, got.Schema), canonical(t, want.Schema); a != b {
			from := 0
			for from < min(len(a), len(b)) && a[from] == b[from] {
				from++
			}
			from = max(0, from-60)
			t.Errorf("%s\nread:    …%.200s\nthe SDK: …%.200s", entrypoint, a[from:], b[from:])
		}
	}
	return read
}

// TestFlowsAreReadAsTheSDKTellsThem compares six hundred flows that are made up of every type,
// default and docstring that the reader knows with what the SDK makes of them.
func TestFlowsAreReadAsTheSDKTellsThem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var entrypoints []string
	const files, perFile = 6, 100
	for i := range files {
		source := newWriter(uint64(i)).file(perFile)
		name := fmt.Sprintf("flows%d.py", i)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		for n := range perFile {
			entrypoints = append(entrypoints, fmt.Sprintf("%s:flow_%d", name, n))
		}
	}
	if read := compare(t, dir, entrypoints); read < 500 {
		t.Errorf("only %d of %d flows were read", read, len(entrypoints))
	}
}

// writer makes up Python.
type writer struct{ *rand.Rand }

func newWriter(seed uint64) writer { return writer{rand.New(rand.NewPCG(seed, 8))} } //nolint:gosec // the same every time

func (w writer) one(list ...string) string { return list[w.IntN(len(list))] }

const preamble = `"""A file of flows."""
import datetime
import enum as en
import pydantic
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum, IntEnum
from pathlib import Path
from typing import (
    Annotated, Any, Dict,  # the rest follows
    FrozenSet, List, Literal, Optional, Set, Tuple, Union,
)
from uuid import UUID

import prefect
from prefect import flow, task
from pydantic import BaseModel, Field

LIMIT = 5
NAME = "a \"name\" with ünicode \x41\u00e9\n"
Kind = Literal["full", "part"]
Names = list[str]
Maybe = Optional[int]


class Color(Enum):
    """Colors.

    More of them.
    """

    RED = "r"
    BLUE = 'b'

    def pretty(self):
        LIMIT = self
        return LIMIT


class Size(int, Enum):
    SMALL = 1
    LARGE = -2


class Mixed(en.Enum):
    A = 1
    B = "x"


class Inner(BaseModel):
    a: int
    some_name2x: Optional[str] = None
    color: Color = Color.RED
    many: List[Size] = Field(default_factory=list, description="many of them")


class Outer(pydantic.BaseModel):
    """An outer one."""

    inner: Inner
    maybe: Optional[Inner] = None
    either: Union[Inner, int, None] = None
    anything: Any = None
    bound: int = Field(3, ge=1, lt=9)
    text: str = Field(..., min_length=2)
    part: Annotated[float, Field(gt=0)] = 0.5
    when: datetime.datetime
    by_name: dict[str, Inner] = {}

    @property
    def first(self) -> int:
        return 1


@dataclass
class Plain:
    x: int
    outer: Outer
    y: list[str] = field(default_factory=list)
    z: "float" if False else float = 1.0


@dataclass(frozen=True)
class Frozen:
    x: int
    inner: Optional[Inner] = None
    y: list[str] = field(default_factory=list)


@task
def helper(x):
    date = 5
    return date

`

func (w writer) typ(depth int) string {
	if depth == 0 || w.IntN(3) > 0 {
		return w.one("int", "float", "str", "bool", "bytes", "Any", "date", "datetime.datetime", "datetime.time", "timedelta", "UUID", "Path", "Color", "Size",
			"Mixed", "Inner", "Outer", "Frozen", "list", "dict", "tuple", "set", "List", "Dict", "Kind", "Names", "Maybe", "t.Any", "Sequence[int]",
			`Literal["a", 'b']`, "Literal[1]", "Literal[1, 'x']", "Literal[True]", "Annotated[int, Field(ge=1, le=5)]", "Annotated[str, Field(max_length=3)]")
	}
	inner := func() string { return w.typ(depth - 1) }
	switch w.IntN(11) {
	case 0:
		return "Optional[" + inner() + "]"
	case 1:
		return "t.Union[" + inner() + ", " + inner() + ", None]"
	case 2:
		return w.one("int", "Inner", "Color", "dict[str, int]", "None", "str") + " | " + w.one("float", "Outer", "list[int]", "Size", "set[str]")
	case 3:
		return w.one("list", "List", "Sequence", "set", "Set", "FrozenSet", "frozenset") + "[" + inner() + "]"
	case 4:
		return w.one("dict[str, ", "Dict[str, ", "Mapping[str, ", "dict[int, ", "Dict[Any, ") + inner() + "]"
	case 5:
		return "tuple[" + inner() + ", " + inner() + "]"
	case 6:
		return w.one("Tuple", "tuple") + "[" + inner() + ", ...]"
	case 7:
		return "Union[" + inner() + ", " + inner() + "]"
	case 8:
		return "list[Optional[" + inner() + "]]"
	case 9:
		return "dict[str, list[" + inner() + "]]"
	}
	return "Tuple[" + inner() + "]"
}

func (w writer) value() string {
	return w.one("None", "1", "-3", "0", "1_000", "0x1F", "2.5", "-0.25", "1e20", "1e-7", "123456789.5", "True", "False", `"text"`, `'it\'s'`, `r"\d+"`, `"a" 'b'`,
		`"""long
one"""`, `"ünï"`, `"\t\\"`, "[]", "{}", "()", "[1, 'a', None]", "(1, 2.0)", `{"a": [1], "b": {"c": None}}`, "Color.RED", "Size.LARGE", "Mixed.B", "LIMIT", "NAME", "(5)", "[Color.BLUE]")
}

func (w writer) docstring(names []string) string {
	described := func(style string) string {
		var b strings.Builder
		for _, name := range names {
			if w.IntN(4) == 0 {
				continue
			}
			fmt.Fprintf(&b, "        %s: %s\n", name+w.one("", "", " (int)", " (str, optional)"), w.one("what it is", "", "with: a colon", "long\n            and longer", "first\n\n            after a gap", "odd\n          indent"))
		}
		return w.one("Does things.", "Does things.\n\n    In detail, with a note:\n        like this one") + w.one("\n\n    ", "\n\n    ", "\n    ") + style + ":\n" + w.one("", "", "", "\n") + b.String()
	}
	switch w.IntN(9) {
	case 0:
		return ""
	case 1:
		return "    \"\"\"One line.\"\"\"\n"
	case 2:
		return "    '''\n    Over lines.\n\n      Indented.\n\n    '''\n"
	case 3:
		return "    r\"\"\"" + described("Args") + "\n    Returns:\n        int: one\n    \"\"\"\n"
	case 4:
		return "    \"\"\"" + described("Arguments") + "\n    Note:\n        Args: none\n    \"\"\"\n"
	case 5:
		return "    \"\"\"" + described("Parameters") + "\n    ```\n    Args:\n        a0: code\n    ```\n    \"\"\"\n"
	case 6:
		return "    \"\"\"" + described("Keyword Args") + "    \"\"\"\n"
	case 7:
		return "    \"\"\"\n    Args:\n        a0: at the top\n    \"\"\"\n"
	}
	return "    \"\"\"" + described("args") + "\n    Raises:\n        ValueError: never\n\n    Params:\n        a0: again\n\n    More text.\n    \"\"\"\n"
}

func (w writer) file(flows int) string {
	var b strings.Builder
	b.WriteString(strings.Replace(preamble, `"float" if False else float`, "float", 1))
	for n := range flows {
		var parameters, names []string
		optional := false
		for i := range w.IntN(6) {
			name := w.one("a", "b_c", "Value", "x2") + fmt.Sprint(i)
			names = append(names, name)
			p := name
			if w.IntN(8) > 0 {
				annotation := w.typ(3)
				if w.IntN(8) == 0 && !strings.ContainsAny(annotation, `"'`) {
					annotation = `"` + annotation + `"`
				}
				p += ": " + annotation
			}
			if optional = optional || w.IntN(2) == 0; optional {
				p += w.one("=", " = ") + w.value()
			}
			parameters = append(parameters, p)
			if i == 2 && w.IntN(6) == 0 {
				parameters = append(parameters, "*")
				optional = false
			}
		}
		if len(parameters) > 0 && parameters[len(parameters)-1] == "*" {
			parameters = parameters[:len(parameters)-1]
		}
		b.WriteString(w.one("@flow", "@flow()", "@prefect.flow", `@flow(name="My flow", log_prints=True)`, `@flow(description='given', retries=2)`, "@flow(\n    version=\"3\",  # ours\n    name=None,\n)",
			"@flow(on_failure=[lambda *_: None], retry_delay_seconds=[1, 2])") + "\n")
		fmt.Fprintf(&b, "%sdef flow_%d(%s)%s:\n%s    return %s\n\n\n", w.one("", "", "async "), n, strings.Join(parameters, w.one(", ", ",\n    ")), w.one("", " -> int", " -> Optional[dict[str, int]]"), w.docstring(names), `f"{NAME!r:>{10}} {'nested'} {{}}"`)
	}
	b.WriteString("if __name__ == \"__main__\":\n    flow_0.serve(name=\"x\")\n    Color = None\n")
	return b.String()
}
