from datetime import datetime, timedelta
from enum import Enum
from typing import List, Literal, Optional

from prefect import flow
from pydantic import BaseModel, Field


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Settings(BaseModel):
    """What to do."""

    retries: int = Field(3, ge=0)
    names: List[str] = []


@flow
def plain():
    """A flow without parameters."""


@flow(name="The Flow", version="7", description="Described in the decorator.")
def many(
    a: int,
    b: str = "x",
    c: Optional[float] = None,
    d: List[int] = [1, 2],
    e: Literal["p", "q"] = "p",
    f: Colour = Colour.RED,
    g: Settings = Settings(),
    h: datetime = datetime(2024, 1, 1),
    i: timedelta = timedelta(hours=1),
    j=None,
    *rest: int,
    **more: str,
):
    """Many parameters.

    Args:
        a: the first
        b: the second,
            on two lines
    """
