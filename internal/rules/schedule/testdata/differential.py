"""Prints random schedules with the answers of the libraries that the reference is made of.

Runs with every Python that has the reference. One JSON object a line, like those of
golden.json.gz, with more questions to the same schedule in q, each a start, a number and
the first of the dates that answer it:

    python differential.py SEED SCHEDULES

croniter and dateutil work on the clock on the wall. What they say is placed in the zone by
zoneinfo, which takes the first of two equal times and moves a skipped one forward, and so
does the package. The exceptions of generate.py hold here too.
"""

import datetime as dt
import json
import random
import sys
import warnings
from zoneinfo import ZoneInfo

import dateutil.rrule

from cases import (CHANGES, UTC, ZONES, any_cron, any_end, any_rrule, any_start, any_validity, case,
                   micros, random_field)
from libraries import Slow, croniter, within

warnings.simplefilter("ignore")
MARGIN = dt.timedelta(hours=4)  # in which a change of the clock is felt


def near_change(zone, at):
    return any(abs(at - change) < dt.timedelta(days=1) for change in CHANGES[zone])


def begin(zone, start):
    """The time on the wall from which on dates may stand for start or later."""
    if near_change(zone, start):
        start -= MARGIN
    return start.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def place(walls, zone, start, n, end):
    """The first n instants from start on of ascending times on the wall."""
    found = set()
    for wall in walls:
        at = wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        if end and at > end + MARGIN or len(found) >= n and at > sorted(found)[n - 1] + MARGIN:
            return sorted(found)[:n]
        if at >= start and not (end and at > end):
            found.add(at)
    return sorted(found)[:n]


def asked(start, n, end, dates, schedule):
    """A case with the answers to later starts, which are parts of the first one's."""
    questions, before = [], [start] + dates
    for _ in range(min(9, 2 * len(dates))):
        i = random.randrange(len(dates))
        gap = (dates[i] - before[i]) // dt.timedelta(microseconds=1)
        questions.append([micros(dates[i]) - random.choice([0, random.randrange(max(1, gap))]), random.randint(1, min(5, len(dates) - i)), i])
    return dict(case(start, n, end, dates, **schedule), q=questions)


def timely(make):
    try:
        return within(0.02, make)
    except (Slow, ValueError, OverflowError):  # rules that never fire are refused while they run
        return None


def cron():
    expr, zone, day_or = any_cron(), random.choice(ZONES), random.random() < 0.85
    if not croniter.is_valid(expr):
        return None
    start, n = any_start(zone), 12
    end = any_end(zone, start, random.choice([3600, 86400, 40 * 86400]))
    fields, _ = croniter.expand(expr)
    both = day_or and fields[2][0] != "*" and fields[4][0] != "*"
    out = {"c": expr, "z": zone}
    if not day_or:
        out["and"] = True

    def walls():
        wall = begin(zone, start) - dt.timedelta(seconds=1)
        if wall.microsecond:
            wall += dt.timedelta(seconds=1)
        dates = croniter(expr, wall, day_or=day_or)
        try:
            while True:
                yield dates.get_next(dt.datetime)
        except (ValueError, KeyError, OverflowError, AttributeError, RuntimeError):
            out["over"] = True
            if both:
                out["open"] = True  # croniter gives up when either of the two has no date

    dates = place(walls(), zone, start, n, end)
    return asked(start, n, end, dates, out)


def rrule():
    zone = random.choice(ZONES)
    text, start = any_rrule(zone)
    try:
        rules = dateutil.rrule.rrulestr(text.replace("Z\n", "\n").replace("Z;", ";").removesuffix("Z"), dtstart=dt.datetime(2020, 1, 1), cache=False)
    except ValueError:
        return None
    n = 12
    end = any_end(zone, start, 90 * 86400)
    wall = begin(zone, start)
    if wall.microsecond:
        wall = wall.replace(microsecond=0) + dt.timedelta(seconds=1)
    dates = place(rules.xafter(wall, inc=True), zone, start, n, end)
    if any(b.year - a.year > 90 for a, b in zip([start] + dates, dates)) or len(dates) < n and not end:
        return None
    return asked(start, n, end, dates, {"r": text, "z": zone})


def interval():
    zone, whole = random.choice(ZONES), random.choice([0, 0, 1, 1, 2, 7, 30])
    every = dt.timedelta(days=whole, seconds=0 if whole else random.choice([60, 3600, 5400, 43200, 0.5, 1, 86399, 12345.5]))
    anchor = any_start(zone)
    start = anchor + every * random.uniform(-900, 900)
    n, tz = 12, ZoneInfo(zone)
    k = (start - anchor) // every - 2
    dates = []
    while len(dates) < n:
        if whole:
            wall = anchor.astimezone(tz).replace(tzinfo=None, fold=0) + every * k
            at = anchor if k == 0 else wall.replace(tzinfo=tz).astimezone(UTC)
        else:
            at = anchor + every * k
        if at >= start:
            dates.append(at)
        k += 1
    if whole and any(near_change(zone, at) for at in dates + [anchor]):
        return None  # equal and skipped times are the business of generate.py
    return asked(start, n, None, dates, {"i": every // dt.timedelta(microseconds=1), "a": micros(anchor), "z": zone})


def validity():
    text = any_validity()
    return None if random_field(text) else {"c": text, "valid": croniter.is_valid(text)}


def main():
    random.seed(int(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        made = None
        while made is None:
            make = random.choices([cron, rrule, interval, validity], [45, 35, 10, 10])[0]
            made = timely(make)
        print(json.dumps(made, separators=(",", ":")))


main()
