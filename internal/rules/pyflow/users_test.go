package pyflow_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// userHead is what stands above the flows that users write.
const userHead = `import asyncio, collections, datetime, decimal, enum, functools, os, pathlib, re, typing, uuid
import datetime as dt, typing as tp
from collections import defaultdict, OrderedDict
from dataclasses import dataclass, field, KW_ONLY
from datetime import date, datetime as DateTime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum, Flag, auto
from pathlib import Path, PurePath
from typing import (
    TYPE_CHECKING, AbstractSet, Annotated, Any, AnyStr, Callable, ClassVar, Collection, Container, Counter, DefaultDict, Deque, Dict, Final, FrozenSet, Generator,
    Generic, Hashable, Iterable, Iterator, List, Literal, Mapping, MutableMapping, MutableSequence, NamedTuple, NewType, NotRequired, Optional, Pattern, Protocol,
    Required, Sequence, Set, Sized, Text, Tuple, Type, TypeAlias, TypedDict, TypeVar, Union,
)
from uuid import UUID, uuid4
import pendulum
import pydantic
import prefect
from prefect import flow, task, get_run_logger
from prefect.blocks.core import Block
from prefect.types import DateTime as PrefectDateTime, PositiveInteger
from pydantic import (AnyUrl, BaseModel, ConfigDict, EmailStr, Field, HttpUrl, Json, NonNegativeInt, PositiveInt, SecretStr, StrictInt, conint, conlist, constr)
T = TypeVar("T")
`

// parametersOf splits a signature at the commas that are in no brackets and no text.
func parametersOf(signature string) (list []string) {
	depth, quote, from := 0, rune(0), 0
	for i, r := range signature {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		case strings.ContainsRune("([{", r):
			depth++
		case strings.ContainsRune(")]}", r):
			depth--
		case r == ',' && depth == 0:
			list, from = append(list, strings.TrimSpace(signature[from:i])), i+1
		}
	}
	list = append(list, strings.TrimSpace(signature[from:]))
	return slices.DeleteFunc(list, func(p string) bool { return p == "*" })
}

// userFlows are what users write, by what is peculiar about it.
func userFlows() map[string]string {
	flows := map[string]string{}
	add := func(name, above, signature string) {
		flows[name] = above + "\n@flow\ndef f(" + signature + "):\n    pass\n"
		for i, parameter := range parametersOf(signature) { // each alone, so that none hides another
			flows[fmt.Sprintf("%s, %d", name, i)] = above + "\n@flow\ndef f(" + parameter + "):\n    pass\n"
		}
	}
	// Models.
	add("v1 config", "class X(BaseModel):\n    a: int\n    class Config:\n        extra = 'forbid'\n", "a: X")
	add("v1 config title", "class X(BaseModel):\n    a: int\n    class Config:\n        title = 'T'\n        json_schema_extra = {'example': 1}\n", "a: X")
	add("v1 arbitrary", "class X(BaseModel):\n    a: int = 1\n    class Config:\n        arbitrary_types_allowed = True\n", "a: X = X()")
	add("config dict", "class X(BaseModel):\n    model_config = ConfigDict(extra='allow', frozen=True)\n    a: int\n", "a: X")
	add("alias generator", "class X(BaseModel):\n    model_config = ConfigDict(alias_generator=lambda s: s.upper(), populate_by_name=True)\n    a_b: int\n", "a: X")
	add("use enum values", "class E(str, Enum):\n    A = 'a'\nclass X(BaseModel):\n    model_config = ConfigDict(use_enum_values=True)\n    e: E = E.A\n", "a: X")
	add("attribute docs", "class X(BaseModel):\n    model_config = ConfigDict(use_attribute_docstrings=True)\n    a: int\n    'text of a'\n", "a: X")
	add("attribute text", "class X(BaseModel):\n    a: int\n    'text of a'\n    b: int = 1\n    '''more'''\n", "a: X")
	add("keyword class", "class X(BaseModel, extra='forbid'):\n    a: int\n", "a: X")
	add("inherited", "class Y(BaseModel):\n    '''Doc of Y.'''\n    a: int\n    b: str = 'x'\nclass X(Y):\n    a: float = 1.5\n    c: bool\n", "a: X")
	add("root model", "class X(pydantic.RootModel[List[int]]):\n    pass\n", "a: X")
	add("generic model", "class X(BaseModel, Generic[T]):\n    a: T\n", "a: X[int]")
	add("settings like", "class X(BaseModel):\n    host: str = os.environ.get('HOST', 'localhost')\n", "a: X")
	add("private and class vars", "class X(BaseModel):\n    a: int\n    limit: ClassVar[int] = 3\n    _cache: dict = {}\n    _n: int = pydantic.PrivateAttr(default=1)\n", "a: X")
	add("computed", "class X(BaseModel):\n    a: int\n    @pydantic.computed_field\n    @property\n    def b(self) -> int:\n        return 1\n", "a: X")
	add("after validator", "class X(BaseModel):\n    a: int\n    @pydantic.field_validator('a')\n    @classmethod\n    def check(cls, v):\n        return v\n", "a: X")
	add("model validator", "class X(BaseModel):\n    a: int\n    @pydantic.model_validator(mode='after')\n    def check(self):\n        return self\n", "a: X")
	add("serializer", "class X(BaseModel):\n    a: datetime.datetime\n    @pydantic.field_serializer('a')\n    def s(self, v, _info):\n        return str(v)\n", "a: X")
	add("init", "class X(BaseModel):\n    a: int\n    def __init__(self, **kw):\n        super().__init__(**kw)\n", "a: X")
	add("default model", "class X(BaseModel):\n    a: int = 1\n    b: List[int] = [1]\n", "a: X = X(), b: X = X(a=2), c: Optional[X] = None")
	add("default models", "class X(BaseModel):\n    a: int = 1\n", "a: List[X] = [X(a=1), X(a=2)]")
	add("factory", "class X(BaseModel):\n    a: List[int] = Field(default_factory=lambda: [1])\n    b: dict = Field(default_factory=dict)\n    c: UUID = Field(default_factory=uuid4)\n    d: datetime.datetime = Field(default_factory=lambda: datetime.datetime.now())\n", "a: X")
	add("field everything", "class X(BaseModel):\n    a: int = Field(default=3, title='The A', description='d', gt=0, le=10, multiple_of=2, examples=[2, 4])\n    b: str = Field('x', pattern='^x', min_length=1, max_length=9)\n    c: List[int] = Field(default=[1], min_length=1, max_length=3)\n    d: Optional[int] = Field(None, ge=1)\n    e: float = Field(..., alias='E')\n    f: str = Field('x', deprecated=True)\n    g: str = Field('x', exclude=True)\n    h: str = Field('x', json_schema_extra={'k': 1})\n    i: Decimal = Field(Decimal('1.0'), max_digits=5, decimal_places=2)\n", "a: X")
	add("annotated field", "class X(BaseModel):\n    a: Annotated[int, Field(ge=1, description='an a')] = 2\n    b: Annotated[Optional[str], Field(min_length=2)] = None\n    c: Annotated[List[Annotated[int, Field(gt=1)]], Field(max_length=4)]\n", "a: X")
	add("nested models", "class A(BaseModel):\n    x: int\nclass B(BaseModel):\n    a: A\n    many: List[A] = []\n    by: Dict[str, A] = {}\nclass X(BaseModel):\n    b: B\n    a: Optional[A] = None\n    u: Union[A, B, None] = None\n", "a: X, b: Optional[List[B]] = None")
	add("recursive", "class X(BaseModel):\n    children: List['X'] = []\n", "a: X")
	add("mutual", "class A(BaseModel):\n    b: Optional['B'] = None\nclass B(BaseModel):\n    a: Optional[A] = None\nA.model_rebuild()\n", "a: A")
	add("forward", "class A(BaseModel):\n    b: 'B'\nclass B(BaseModel):\n    x: int\n", "a: A")
	add("discriminated", "class A(BaseModel):\n    kind: Literal['a'] = 'a'\nclass B(BaseModel):\n    kind: Literal['b'] = 'b'\n", "a: Annotated[Union[A, B], Field(discriminator='kind')]")
	add("discriminated field", "class A(BaseModel):\n    kind: Literal['a'] = 'a'\nclass B(BaseModel):\n    kind: Literal['b'] = 'b'\nclass X(BaseModel):\n    v: Union[A, B] = Field(discriminator='kind')\n", "a: X")
	add("same names", "class A:\n    class X(BaseModel):\n        a: int\nclass X(BaseModel):\n    b: int\n", "a: A.X, b: X")
	add("model of generics", "class X(BaseModel):\n    a: Dict[str, List[Tuple[int, str]]] = {}\n    b: Set[int] = set()\n    c: FrozenSet[str] = frozenset()\n    d: Tuple[int, ...] = ()\n    e: Sequence[int] = ()\n    f: Iterable[int] = []\n", "a: X")
	add("docs of models", "class X(BaseModel):\n    '''\n    First.\n\n        Indented\n    Last.\n    '''\n    a: int\n", "a: X")
	add("model names", "class HTTPServerConfig2(BaseModel):\n    httpURL2x: int\n    A_b__C: str\n    x1y: int\n    _: int = 1\n", "a: HTTPServerConfig2")
	add("model property", "class X(BaseModel):\n    a: int\n    @property\n    def b(self): return 1\n    @staticmethod\n    def c(): return 2\n    @classmethod\n    def d(cls): return 3\n    @functools.cached_property\n    def e(self): return 1\n", "a: X")
	add("block", "class X(Block):\n    a: int\n    b: SecretStr = SecretStr('x')\n", "a: X")
	add("model none", "class X(BaseModel):\n    a: None = None\n    b: Any\n    c: object = 1\n    d: Optional[Any] = None\n", "a: X")
	add("model literal", "class X(BaseModel):\n    mode: Literal['fast', 'slow'] = 'fast'\n    n: Literal[1] = 1\n    x: Optional[Literal['a', 'b']] = None\n", "a: X")
	add("model datetimes", "class X(BaseModel):\n    a: date\n    b: DateTime\n    c: time = time(1, 2)\n    d: timedelta = timedelta(hours=1)\n    e: date = date(2024, 1, 2)\n    f: Optional[DateTime] = None\n", "a: X")
	add("model paths", "class X(BaseModel):\n    a: Path = Path('/tmp/x')\n    b: Optional[Path] = None\n    c: PurePath = PurePath('x')\n    d: pathlib.Path\n", "a: X")
	add("model numbers", "class X(BaseModel):\n    a: float = 1\n    b: int = 1.0\n    c: bool = 1\n    d: complex = 1j\n    e: Decimal = Decimal('1.10')\n", "a: X")
	add("constrained", "class X(BaseModel):\n    a: conint(ge=1)\n    b: constr(min_length=1) = 'x'\n    c: conlist(int, min_length=1)\n    d: PositiveInt\n    e: NonNegativeInt = 0\n    f: StrictInt = 1\n    g: HttpUrl\n    h: AnyUrl\n    i: Json\n", "a: X")
	add("urls", "", "a: HttpUrl, b: AnyUrl = 'http://x', c: PositiveInt = 1, d: conint(gt=3) = 4, e: constr(pattern='x') = 'x', f: StrictInt = 1, g: PositiveInteger = 2")
	// Dataclasses.
	add("dataclass", "@dataclass\nclass X:\n    a: int\n    b: str = 'x'\n    c: List[int] = field(default_factory=list)\n", "a: X")
	add("dataclass default", "@dataclass\nclass X:\n    a: int = 1\n", "a: X = X(), b: Optional[X] = None, c: List[X] = None")
	add("dataclass slots", "@dataclass(slots=True, kw_only=True)\nclass X:\n    a: int = 1\n    b: str\n", "a: X")
	add("dataclass inherits", "@dataclass\nclass Y:\n    a: int\n@dataclass\nclass X(Y):\n    b: int = 1\n", "a: X")
	add("dataclass post", "@dataclass\nclass X:\n    a: int\n    b: int = field(init=False, default=3)\n    c: int = field(default=3, repr=False)\n    def __post_init__(self):\n        self.b = 1\n", "a: X")
	add("dataclass kw only", "@dataclass\nclass X:\n    a: int\n    _: KW_ONLY\n    b: int = 1\n", "a: X")
	add("dataclass initvar", "from dataclasses import InitVar\n@dataclass\nclass X:\n    a: int\n    b: InitVar[int] = 1\n", "a: X")
	add("dataclass docs", "@dataclass\nclass X:\n    '''Doc.'''\n    a: int\n    d: ClassVar[int] = 1\n", "a: X")
	add("dataclass nested", "@dataclass\nclass Y:\n    a: date\n    b: Optional[Path] = None\n@dataclass\nclass X:\n    y: Y\n    many: Dict[str, Y] = field(default_factory=dict)\n", "a: X")
	add("pydantic dataclass", "@pydantic.dataclasses.dataclass\nclass X:\n    a: int = Field(1, ge=0)\n", "a: X")
	// Enums.
	add("str enum", "class X(str, Enum):\n    '''Colors.'''\n    A = 'a'\n    B = 'b'\n", "a: X = X.A, b: X = 'a', c: Optional[X] = None, d: List[X] = [X.A, X.B], e: Dict[X, int] = {}")
	add("strenum", "class X(StrEnum):\n    A = 'a'\n    B = auto()\n", "a: X = X.A")
	add("strenum plain", "class X(StrEnum):\n    A = 'a'\n", "a: X = X.A")
	add("int enum", "class X(IntEnum):\n    A = 1\n    B = 2\n", "a: X = X.B")
	add("flags", "class X(Flag):\n    A = 1\n    B = 2\n", "a: X = X.A")
	add("tuple enum", "class X(Enum):\n    A = (1, 'a')\n    B = (2, 'b')\n", "a: X = X.A")
	add("float enum", "class X(Enum):\n    A = 1.5\n    B = 2.0\n", "a: X = X.A")
	add("mixed enum", "class X(Enum):\n    A = None\n    B = True\n    C = 1.0\n", "a: X = X.B")
	add("enum methods", "class X(Enum):\n    A = 'a'\n    @classmethod\n    def default(cls): return cls.A\n    @property\n    def n(self): return 1\n    def __str__(self): return self.value\n", "a: X = X.A")
	add("enum functional", "X = Enum('X', 'A B')\n", "a: X = X.A")
	add("enum missing", "class X(Enum):\n    A = 'a'\n    @classmethod\n    def _missing_(cls, v): return cls.A\n", "a: X")
	add("enum ignore", "class X(Enum):\n    _ignore_ = ['y']\n    A = 'a'\n    y = 1\n", "a: X")
	add("enum private", "class X(Enum):\n    A = 'a'\n    __hidden = 1\n    _one = 2\n", "a: X")
	add("enum values", "P = 'p-'\nclass X(Enum):\n    A = P + 'a'\n    B = f'{P}b'\n", "a: X")
	add("enum constant", "ONE = 1\nclass X(Enum):\n    A = ONE\n    B = -ONE\n", "a: X")
	add("enum unique", "@enum.unique\nclass X(Enum):\n    A = 'a'\n", "a: X")
	add("enum inherits", "class Base(str, Enum):\n    def x(self): return 1\nclass X(Base):\n    A = 'a'\n", "a: X")
	add("enum value default", "class X(str, Enum):\n    A = 'a'\n", "a: str = X.A.value, b: str = X.A.name, c: X = X('a'), d: X = X['A']")
	add("enum literal", "class X(Enum):\n    A = 'a'\n    B = 'b'\n", "a: Literal[X.A], b: Literal[X.A, X.B] = X.A")
	// Other types.
	add("new type", "UserId = NewType('UserId', int)\nName = NewType('Name', str)\n", "a: UserId, b: Optional[Name] = None, c: List[UserId] = []")
	add("typed dict", "class X(TypedDict):\n    a: int\n    b: str\n", "a: X, b: List[X] = []")
	add("typed dict partial", "class X(TypedDict, total=False):\n    '''Doc.'''\n    a: Required[int]\n    b: NotRequired[str]\n    c: str\n", "a: X")
	add("named tuple", "class X(NamedTuple):\n    a: int\n    b: str = 'x'\n", "a: X")
	add("collections tuple", "X = collections.namedtuple('X', 'a b')\n", "a: X")
	add("alias", "Rows = List[Dict[str, Any]]\nMaybe = Optional[Rows]\nTwice = Union[Maybe, int]\n", "a: Rows, b: Maybe = None, c: Twice = None")
	add("type alias", "Rows: TypeAlias = List[int]\n", "a: Rows")
	add("type statement", "type Rows = list[int]\n", "a: Rows")
	add("type checking", "if TYPE_CHECKING:\n    from pandas import DataFrame\n", "a: 'DataFrame' = None")
	add("callable", "", "a: Callable[[int], str] = None, b: Optional[Callable] = None")
	add("custom class", "class X:\n    def __init__(self, a): self.a = a\n", "a: X, b: Optional[X] = None, c: X = X(1)")
	add("type var", "", "a: T, b: List[T] = []")
	add("protocol", "class X(Protocol):\n    a: int\n", "a: X")
	add("abc", "from abc import ABC, abstractmethod\nclass X(ABC):\n    @abstractmethod\n    def a(self): ...\n", "a: X")
	add("datetimes", "", "a: date, b: DateTime = None, c: Optional[datetime.datetime] = None, d: dt.date = dt.date(2024, 1, 1), e: timedelta = timedelta(days=1), f: time = time(12, 30)")
	add("now", "", "a: DateTime = DateTime.now(timezone.utc), b: date = date.today()")
	add("fixed datetimes", "", "a: DateTime = DateTime(2024, 1, 2, 3, 4, 5), b: datetime.datetime = datetime.datetime(2024, 1, 1, tzinfo=timezone.utc), c: timedelta = timedelta(minutes=90), d: timedelta = timedelta(0)")
	add("pendulum", "", "a: pendulum.DateTime = None, b: Optional[pendulum.Date] = None, c: PrefectDateTime = None, d: pendulum.Duration = None")
	add("paths", "", "a: Path = Path('.'), b: Path = Path('/data') / 'x', c: Union[str, Path] = 'x', d: os.PathLike = 'x', e: Path = Path.home(), f: Path = '/x', g: pathlib.Path = None")
	add("secrets", "", "a: SecretStr, b: SecretStr = SecretStr('x'), c: pydantic.SecretBytes = None, d: Optional[SecretStr] = None")
	add("patterns", "", "a: re.Pattern, b: Optional[Pattern[str]] = None")
	add("decimals", "", "a: Decimal = Decimal('1.5'), b: decimal.Decimal = 1")
	add("uuids", "", "a: UUID = uuid4(), b: uuid.UUID = None, c: UUID = UUID('6b1b8dbb-3b5e-4b2b-8a9d-1f0b6a1c2d3e')")
	add("collections", "", "a: defaultdict, b: OrderedDict = None, c: collections.OrderedDict[str, int] = None, d: DefaultDict[str, int] = None, e: Deque[int] = None, f: collections.deque = None, g: Counter[str] = None")
	add("abstract collections", "", "a: Iterable[str], b: Iterator[int] = None, c: Collection[int] = None, d: Mapping[str, Any] = None, e: MutableMapping[str, int] = None, f: MutableSequence[int] = None, g: Generator[int, None, None] = None, h: AbstractSet[int] = None, i: Container[int] = None, j: Hashable = None, k: Sized = None")
	add("bare", "", "a: List, b: Dict = {}, c: Tuple = (), d: Set = set(), e: Optional[list] = None, f: Optional[dict] = None, g: Union = None, h: Type = None, i: Type[int] = None, j: Text = 'x', k: AnyStr = 'x'")
	add("implicit optional", "", "a: int = None, b: str = None, c: List[int] = None, d: dict = None, e: bool = None, f: float = None")
	add("wrong defaults", "", "a: int = 'x', b: str = 1, c: List[int] = 'x', d: bool = 'no', e: float = 'y', f: date = 'tomorrow', g: Literal['a'] = 'b', h: UUID = 'x'")
	add("defaults of sets", "", "a: Set[int] = {1}, b: set = {'x'}, c: FrozenSet[int] = frozenset({1}), d: Tuple[int, str] = (1, 'x'), e: tuple = (), f: list = [*range(3)], g: Set[str] = set(), h: range = range(3)")
	add("default expressions", "N = 3\n", "a: int = N * 2, b: int = -N, c: int = 60 * 60, d: str = 'a' 'b', e: str = 'a' + 'b', f: bool = not True, g: int = 1 if N else 2, h: list = ['x'] * 3, i: str = f'{N}', j: str = str(N), k: int = 2 ** 10, l: float = 1 / 3, m: list = [N, N], n: dict = {'n': N}, o: str = 'x'.upper(), p: int = +1, q: int = ~1, r: int = 7 // 2")
	add("environment defaults", "", "a: str = os.getenv('NOT_SET_AT_ALL', 'x'), b: str = os.environ.get('NOT_SET_AT_ALL')")
	add("ellipsis", "", "a: int = ..., b: Any = Ellipsis")
	add("float defaults", "", "a: float = 1, b: float = 1e-3, c: float = 1e16, d: float = 1e15, e: float = 0.1, f: float = 1_0.5, g: float = 1e-5, h: float = 123456789012345680.0, i: float = -0.0, j: float = 1e22, k: float = 5e-324, l: float = 1e100")
	add("strings", "", `a: str = "\u00e9\U0001F600", b: str = '\x7f\0', c: str = "\"'", d: str = '''a
  b''', e: str = R'\n', f: str = u'x', g: str = "/</>&"`)
	add("bytes", "", "a: bytes = b'abc', b: bytes = b'\\xff', c: bytearray = None, d: memoryview = None")
	add("none type", "", "a: None, b: type(None) = None, c: Union[None, int] = None, d: Optional[None] = None, e: None | int = 1")
	add("unions", "", "a: Union[int, str], b: int | str | None = None, c: Union[List[int], Dict[str, int]] = None, d: Optional[Union[int, float]] = 1, e: Union[int, Union[str, float]] = 1, f: Union[bool, int] = True, g: Union[int], h: 'int | None' = None")
	flows["unions"] = "\n@flow\ndef f(a: Union[int, str], g: Union[int], b: int | str | None = None, c: Union[List[int], Dict[str, int]] = None, d: Optional[Union[int, float]] = 1, e: Union[int, Union[str, float]] = 1, f: Union[bool, int] = True, h: 'int | None' = None):\n    pass\n"
	add("literals", "A = 'x'\n", "a: Literal['a', 'b'] = 'a', b: Literal[1, 2] = 1, c: Optional[Literal['x']] = None, d: Literal[True, False] = True, e: Literal['a', 1, None] = None, f: List[Literal['a', 'b']] = ['a'], g: Literal[b'x'] = b'x', h: Literal[Literal['a'], 'b'] = 'a', i: Literal[-1] = -1")
	add("annotated", "Small = Annotated[int, Field(ge=0, le=9)]\n", "a: Small, b: Annotated[str, 'just text'] = 'x', c: Annotated[int, Field(description='c')] = 1, d: Optional[Small] = None, e: List[Small] = [], f: Annotated[Annotated[int, Field(ge=1)], Field(le=3)] = 2, g: Annotated[Optional[int], Field(gt=1)] = None, h: Annotated[str, Field(pattern=r'^\\d+$', title='H')] = '1'")
	add("annotated default", "", "a: Annotated[int, Field(default=3)], b: Annotated[list, Field(default_factory=list)], c: Annotated[int, Field(alias='cc')] = 1")
	add("field defaults", "", "a: int = Field(1, gt=0), b: str = Field(default='x', description='text'), c: List[int] = Field(default_factory=list), d: Optional[int] = Field(None), e: int = Field(..., ge=1), f: str = Field('x', title='T', examples=['y'])")
	add("final", "", "a: Final[int] = 1")
	add("strings as types", "class X(BaseModel):\n    a: int\n", "a: 'X', b: 'Optional[X]' = None, c: List['X'] = [], d: Optional['X'] = None, e: 'list[int]' = [], f: Dict[str, 'X'] = {}")
	add("capital builtins", "", "a: tp.List[int], b: typing.Optional[tp.Dict[str, typing.Any]] = None, c: datetime.timedelta = None")
	add("names", "", "camelCase: int, HTTPServer: int, snake_case_2x: int, x: int, _private: int = 1, __dunder: int = 1, ALLCAPS: int = 1, a1b2: int = 1, trailing_: int = 1, ünïcode: int = 1, class_: int = 1")
	add("model names of pydantic", "", "copy: int, dict: int = 1, model_config: str = 'x', model_fields: int = 1, validate: int = 1, self: int = 1, cls: int = 1, args: int = 1, kwargs: int = 1, v__args: int = 1")
	add("no annotations", "", "a, b=1, c='x', *, d, e=None")
	add("keyword only", "", "*, a: int, b: str = 'x'")
	add("variadic with types", "", "a: int, *rest: str, b: int = 1, **more: float")
	// Shapes of flows.
	flows["async"] = "\n@flow\nasync def f(a: int = 1, *, b: Optional[str] = None) -> None:\n    await asyncio.sleep(0)\n"
	flows["generator"] = "\n@flow\ndef f(a: int = 1) -> Iterator[int]:\n    yield a\n"
	flows["method"] = "\nclass C:\n    @flow\n    def f(self, a: int = 1):\n        pass\nf = C.f\n"
	flows["static method"] = "\nclass C:\n    @staticmethod\n    @flow\n    def f(a: int = 1):\n        pass\nf = C.f\n"
	flows["call"] = "\ndef g(a: int = 1):\n    '''Doc.'''\nf = flow(g)\n"
	flows["call with name"] = "\ndef g(a: int = 1):\n    pass\nf = flow(name='other', log_prints=True)(g)\n"
	flows["partial decorator"] = "\nmyflow = functools.partial(flow, log_prints=True)\n@myflow\ndef f(a: int = 1):\n    pass\n"
	flows["own decorator"] = "\ndef logged(**kw):\n    def wrap(fn):\n        return flow(fn, **kw)\n    return wrap\n@logged(name='x')\ndef f(a: int = 1):\n    pass\n"
	flows["decorators below"] = "\ndef d(fn):\n    @functools.wraps(fn)\n    def inner(*a, **k): return fn(*a, **k)\n    return inner\n@flow\n@d\ndef f(a: int = 1):\n    '''Doc.'''\n"
	flows["decorator arguments"] = "\nNAME = 'named'\n@flow(name=NAME, description='''Long\n  text''', version='1.2', retries=3, retry_delay_seconds=5, timeout_seconds=60, validate_parameters=True, persist_result=True, log_prints=True, flow_run_name='run-{a}')\ndef f(a: int = 1):\n    '''Doc.'''\n"
	flows["version from environment"] = "\n@flow(version=os.environ.get('NOT_SET_AT_ALL'))\ndef f(a: int = 1):\n    pass\n"
	flows["name from call"] = "\n@flow(name='x'.upper())\ndef f(a: int = 1):\n    pass\n"
	flows["name formatted"] = "\nENV = 'prod'\n@flow(name=f'etl-{ENV}')\ndef f(a: int = 1):\n    pass\n"
	flows["arguments unpacked"] = "\nOPTIONS = {'name': 'x'}\n@flow(**OPTIONS)\ndef f(a: int = 1):\n    pass\n"
	flows["no validation"] = "\n@flow(validate_parameters=False)\ndef f(a: int = 1, b: 'X' = None):\n    pass\n"
	flows["task runner"] = "\nfrom prefect.task_runners import ThreadPoolTaskRunner\n@flow(task_runner=ThreadPoolTaskRunner(max_workers=3))\ndef f(a: int = 1):\n    pass\n"
	flows["hooks"] = "\ndef hook(flow, run, state): pass\n@flow(on_failure=[hook], on_completion=[hook])\ndef f(a: int = 1):\n    pass\n"
	flows["underscored name"] = "\n@flow\ndef f_(): pass\n@flow\ndef f(): pass\n"
	flows["main"] = "\n@flow\ndef f(a: int = 1):\n    pass\nif __name__ == '__main__':\n    f.serve(name='x', parameters={'a': 2})\n"
	flows["async main"] = "\n@flow\nasync def f(a: int = 1):\n    pass\nif __name__ == '__main__':\n    asyncio.run(f())\n"
	flows["tasks around"] = "\n@task(retries=2)\ndef t(x: int) -> int:\n    return x\n@flow\ndef sub(y: str = 's'):\n    pass\n@flow\ndef f(a: int = 1):\n    sub(); t(a)\n"
	flows["nested functions"] = "\n@flow\ndef f(a: int = 1):\n    def inner(b: str): return b\n    class K:\n        a = 1\n    return inner(str(a))\n"
	flows["match and walrus"] = "\n@flow\ndef f(a: int = 1):\n    match a:\n        case 1: pass\n        case _: pass\n    if (n := a) > 1: print(n)\n"
	flows["future annotations"] = "\n@flow\ndef f(a: list[int], b: dict[str, X] | None = None):\n    pass\nclass X(BaseModel):\n    a: int\n"
	// Docstrings.
	for i, doc := range []string{
		"Sum.\n\n    Args:\n        a (int): the a\n        b (str, optional): the b. Defaults to 'x'.\n        **kw: more\n\n    Returns:\n        int: n\n",
		"Sum.\n\n    :param a: the a\n    :param b: the b\n    :return: n\n",
		"Sum.\n\n    Parameters\n    ----------\n    a : int\n        The a.\n    b : str, optional\n        The b.\n",
		"Sum.\n\n    @param a: the a\n",
		"Sum.\n    Args:\n      a: two spaces\n      b: more\n",
		"Args:\n        a: first line\n            wrapped\n        b: second\n",
		"Sum.\n\n    Args:\n        a: The a, e.g. http://x: y\n\n        b: after a gap\n    Example:\n        >>> f(1)\n",
		"Sum.\n\n    Attributes:\n        a: attr\n\n    Args:\n        a: arg\n\n    Args:\n        b: again\n",
		"Sum.\n\n    Args:\n        a - dash\n        b: ok\n",
		"Sum.\n\n    Args:\n        a:\n            below\n        b:\n",
		"Sum.\n\n    args:\n        a: lower\n    ARGS:\n        b: upper\n",
		"Sum.\n\n    Args: a: inline\n",
		"Sum.\n\n    - Args:\n        a: in list\n",
		"Sum.\n\n    Args:\n        a: ``code`` and *stars*\n        b: \"quotes\" é\n",
		"\n\n\n    Far below.\n\n\n    Args:\n        a: x\n\n\n\n    ",
		"Sum.\n\n    Other Parameters:\n        a: other\n\n    Keyword Arguments:\n        b: kw\n",
	} {
		flows[fmt.Sprintf("doc %d", i)] = "\n@flow\ndef f(a: int, b: str = 'x', **kw):\n    r\"\"\"" + doc + "    \"\"\"\n"
	}
	return flows
}

// TestFlowsThatUsersWriteAreReadAsTheSDKTellsThem does what TestTraps does with what is common
// in flows.
func TestFlowsThatUsersWriteAreReadAsTheSDKTellsThem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var entrypoints []string
	n := 0
	for name, source := range userFlows() {
		n++
		file, head := fmt.Sprintf("user_%d.py", n), userHead
		if name == "future annotations" {
			head = "from __future__ import annotations\n" + head
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte("# "+name+"\n"+head+source), 0o600); err != nil {
			t.Fatal(err)
		}
		entrypoints = append(entrypoints, file+":f")
	}
	if read := compare(t, dir, entrypoints); read < 120 {
		t.Errorf("only %d of %d flows were read", read, len(entrypoints))
	}
}
