package pyflow_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// trapHead is above every trap.
const trapHead = `import datetime
import pydantic
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Callable, ClassVar, List, Literal, NamedTuple, NewType, Optional, Union
from prefect import flow
from pydantic import BaseModel, Field, SecretStr
`

// traps are flows whose source means something else than it seems to, or is written in a way
// that is easily misread.
func traps() map[string]string {
	f := "\n@flow\ndef f(a: X = None):\n    pass\n"
	return map[string]string{
		"rebound":           "X = int\nX = str\n" + f,
		"conditional":       "if True:\n    X = str\nelse:\n    X = int\n" + f,
		"tried":             "try:\n    import nothing_here as X\nexcept ImportError:\n    X = int\n" + f,
		"global":            "X = int\ndef change():\n    global X\n    X = str\nchange()\n" + f,
		"builtin":           "int = str\nX = int\n" + f,
		"loop":              "for X in (int, str):\n    pass\n" + f,
		"walrus":            "X = int\nprint(X := str)\n" + f,
		"star":              "X = int\nfrom os.path import *\n" + f,
		"unpacked":          "X, Y = int, str\n" + f,
		"exec":              "X = int\nexec('X = str')\n" + f,
		"attribute":         "class X(Enum):\n    A = 'a'\nX.__doc__ = 'new'\n" + f,
		"decorated class":   "def d(c):\n    return str\n@d\nclass X(BaseModel):\n    a: int\n" + f,
		"auto":              "class X(Enum):\n    A = auto()\n" + f,
		"alias value":       "class X(Enum):\n    A = 1\n    B = 1\n" + f,
		"field shadows":     "class X(BaseModel):\n    int: Optional[int] = None\n    b: Optional[int] = None\n" + f,
		"validator":         "class X(BaseModel):\n    a: int\n    @pydantic.field_validator('a', mode='plain')\n    def v(cls, x):\n        return x\n" + f,
		"config":            "class X(BaseModel):\n    model_config = {'title': 'Other'}\n    a: int\n" + f,
		"private":           "class X(BaseModel):\n    _a: int = 1\n    b: int\n" + f,
		"class variable":    "class X(BaseModel):\n    a: ClassVar[int] = 1\n    b: int\n" + f,
		"alias":             "class X(BaseModel):\n    a: int = Field(1, alias='b')\n" + f,
		"inherits":          "class Y(BaseModel):\n    a: int\nclass X(Y):\n    b: int\n" + f,
		"itself":            "class X(BaseModel):\n    a: Optional['X'] = None\n" + f,
		"one line":          "class X(BaseModel): a: int\n" + f,
		"one line pass":     "class X(BaseModel): pass\n" + f,
		"own schema":        "class X(BaseModel):\n    a: int\n    @classmethod\n    def __get_pydantic_json_schema__(cls, s, h):\n        return {}\n" + f,
		"dataclass doc":     "@dataclass\nclass X:\n    'doc'\n    a: int\n" + f,
		"named tuple":       "class X(NamedTuple):\n    a: int\n" + f,
		"secret":            "X = SecretStr\n" + f,
		"text alias":        "X = 'int'\n" + f,
		"new type":          "X = NewType('X', int)\n" + f,
		"class":             "class X:\n    pass\n" + f,
		"generic class":     "class X(List[int]):\n    pass\n" + f,
		"below":             "@flow\ndef f(a: 'X' = None):\n    pass\nclass X(BaseModel):\n    a: int\n",
		"future":            "X = int\n@flow\ndef f(a: X, b: 'List[X]' = None) -> Nowhere:\n    pass\n",
		"two decorators":    "def d(f):\n    return f\n@d\n@flow\ndef f(a: int):\n    pass\n",
		"defined twice":     "@flow\ndef f(a: int):\n    pass\n@flow\ndef f(b: int):\n    pass\n",
		"wrapped":           "@flow\ndef f(a: int):\n    pass\nf = f.with_options(name='other')\n",
		"plain function":    "def f(a: int):\n    pass\n",
		"nested":            "def g():\n    @flow\n    def f(a: int):\n        pass\n",
		"other flow":        "flow = lambda f: f\n@flow\ndef f(a: int):\n    pass\n",
		"bad name":          "@flow(name='a/b')\ndef f(a: int):\n    pass\n",
		"computed name":     "@flow(name='a' + 'b')\ndef f(a: int):\n    pass\n",
		"unknown option":    "@flow(nothing=1)\ndef f(a: int):\n    pass\n",
		"variadic":          "@flow\ndef f(*args: int, **kwargs):\n    pass\n",
		"underscore":        "@flow\ndef f(_a: int = 1):\n    pass\n",
		"model names":       "@flow\ndef f(schema: int, json: str = ''):\n    pass\n",
		"reserved":          "@flow\ndef f(wait_for: int):\n    pass\n",
		"computed default":  "@flow\ndef f(a: float = 1 / 2, b: int = len('x'), c: list = [x for x in 'ab']):\n    pass\n",
		"date default":      "@flow\ndef f(a: datetime.date = datetime.date(2024, 1, 1)):\n    pass\n",
		"field default":     "@flow\ndef f(a: int = Field(4, ge=0, description='d')):\n    pass\n",
		"set default":       "@flow\ndef f(a: set = {1}):\n    pass\n",
		"template default":  "@flow\ndef f(a: str = f'{1}'):\n    pass\n",
		"bytes default":     "@flow\ndef f(a: bytes = b'x'):\n    pass\n",
		"octal":             "@flow\ndef f(a: int = 0o17, b: int = 0b11, c: float = .5, d: float = 5., e: int = 00):\n    pass\n",
		"large":             "@flow\ndef f(a: int = 99999999999999999999, b: complex = 1j):\n    pass\n",
		"escapes":           "@flow\ndef f(a: str = '\\N{BULLET}\\101\\d\\x41', b: str = 'a\\\nb'):\n    pass\n",
		"no escape":         "@flow\ndef f(a: str = '\\d\\x41', b: str = 'a\\\nb'):\n    pass\n",
		"template doc":      "@flow\ndef f(a: int):\n    f'''Doc.'''\n",
		"bracketed doc":     "@flow\ndef f(a: int):\n    ('Doc.')\n",
		"joined doc":        "@flow\ndef f(a: int):\n    'Doc' ' more'\n",
		"doc with more":     "@flow\ndef f(a: int):\n    'Doc'; x = 1\n",
		"doc with tabs":     "@flow\ndef f(a: int):\n\t'''Doc.\n\n\tArgs:\n\t\ta: tabbed\n\t'''\n",
		"empty doc":         "@flow\ndef f(a: int):\n    ''\n",
		"inline":            "@flow\ndef f(a: int): 'Doc.'\n",
		"numpy doc":         "@flow\ndef f(a: int):\n    '''Doc.\n\n    Parameters\n    ----------\n    a : int\n        text\n    '''\n",
		"carriage returns":  "@flow\r\ndef f(a: int):\r\n    '''Doc.\r\n\r\n    Args:\r\n        a: one\r\n    '''\r\n",
		"backslashes":       "@flow\ndef f(a: int = 1, \\\n      b: str = 'x'):\n    pass\n",
		"literal mix":       "@flow\ndef f(a: Literal[1, True], b: Literal[None, 'a'] = None, c: Literal['a', 'a'] = 'a'):\n    pass\n",
		"union twice":       "@flow\ndef f(a: Union[int, int], b: Union[List[int], list[int]] = 1, c: Optional[None] = None):\n    pass\n",
		"union of literals": "@flow\ndef f(a: Union[Literal['a'], Literal['b']]):\n    pass\n",
		"nested optional":   "@flow\ndef f(a: Optional[Optional[int]] = None, b: Optional[Union[str, Optional[int]]] = None):\n    pass\n",
		"positional only":   "@flow\ndef f(a: int, /, b: str, *, c: float = 1.0):\n    pass\n",
		"mapping keys":      "@flow\ndef f(a: dict[datetime.date, int], b: dict[Literal['x'], int] = {}):\n    pass\n",
		"decimals":          "from decimal import Decimal\n@flow\ndef f(a: Decimal = None):\n    pass\n",
		"type parameters":   "@flow\ndef f(a: type = int, b: Callable = None):\n    pass\n",
		"lambda":            "@flow\ndef f(a=lambda x, y: x, b: int = 1):\n    pass\n",
		"tuple of nothing":  "@flow\ndef f(a: tuple[()] = ()):\n    pass\n",
		"unresolved":        "@flow\ndef f(a: 'Nowhere', b: int = 1):\n    pass\n",
		"optional enum":     "class X(Enum):\n    A = 'a'\n\n    def __str__(self):\n        return 'b'\n@flow\ndef f(a: X = X.A, b: List[X] = [X.A], c: str = X.A.value):\n    pass\n",
	}
}

// TestTraps reads the traps. Either the reader sees them and leaves the flow to Python, or it
// says what the SDK says.
func TestTraps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var entrypoints []string
	for name, source := range traps() {
		file, head := strings.ReplaceAll(name, " ", "_")+"_trap.py", trapHead
		if name == "future" {
			head = "from __future__ import annotations\n" + head
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(head+source), 0o600); err != nil {
			t.Fatal(err)
		}
		entrypoints = append(entrypoints, file+":f")
	}
	if read := compare(t, dir, entrypoints); read < 8 || read > 30 {
		t.Errorf("%d of %d traps were read", read, len(entrypoints))
	}
}
