"""Writes golden.json.gz: what the reference's schedule classes answer.

Run it when the reference changes, with Python 3.13 and prefect==3.8.3 installed:

    python generate.py [--seed 1] [--scale 1.0] [--out golden.json.gz]

The answers are the reference's own, with these exceptions, each a decision of the package
(see its documentation):

* Zones of recurrence rules come from zoneinfo. The reader in dateutil moves skipped times
  backwards and knows no daylight saving time after 2037.
* A cron day that a month lacks is passed over instead of swallowing the days after it.
* Where the start lies in or right after a change of the clock, cron dates are those that
  an earlier start gives.
* Intervals of whole days or more are stepped from the anchor, not from a jump.
"""

import argparse
import datetime as dt
import gzip
import json
import random
import warnings
from zoneinfo import ZoneInfo

import dateutil.rrule
import dateutil.tz
from prefect._vendor.croniter.croniter import TIMESTAMP_TO_DT_CACHE
from prefect.server.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

from cases import UTC, ZONES, after_change, any_cron, any_end, any_rrule, any_start, any_validity, case, micros, random_field
from libraries import Slow, croniter, within

warnings.simplefilter("ignore")
dateutil.tz.gettz = lambda name=None: ZoneInfo.no_cache(name)


def collect(schedule, start, n, end=None, spare=5):
    """The dates the reference finds, ascending, and whether it failed after them."""
    found, failed = [], False
    TIMESTAMP_TO_DT_CACHE.clear()

    def gather():
        for date in schedule._get_dates_generator(n=n + spare, start=start, end=end):
            found.append(date.astimezone(UTC))

    try:
        within(0.5, gather)
    except Slow:
        return None, True
    except Exception:
        failed = True
    return sorted(found)[:n], failed


# Cron

def cron_dates(expr, zone, day_or):
    start, n = any_start(zone), random.choice([1, 4, 8])
    end = any_end(zone, start, random.choice([3600, 86400, 40 * 86400]))
    schedule = CronSchedule(cron=expr, timezone=None if zone == "UTC" else zone, day_or=day_or)
    # The gap of the Chatham Islands ends within the hour, so skipped times come after others.
    spare = 130 if zone == "Pacific/Chatham" else 5
    dates, failed = collect(schedule, start, n, end, spare)
    if dates is None:
        return None
    if after_change(zone, start):
        earlier, _ = collect(schedule, start - dt.timedelta(hours=6), 990, end)
        if not earlier or len(earlier) == 990 and earlier[-n] < start:
            return None
        dates = [d for d in earlier if d >= start][:n]
    fields, nth = croniter.expand(expr)
    both = day_or and fields[2][0] != "*" and fields[4][0] != "*"
    out = case(start, n, end, dates, c=expr, z=zone)
    if not day_or:
        out["and"] = True
    if failed:
        out["over"] = True
        if both:
            out["open"] = True  # the reference gives up when either of the two has no date
    return out


# Recurrence rules

def rrule_dates(zone):
    text, start = any_rrule(zone)
    try:
        dateutil.rrule.rrulestr(text, dtstart=dt.datetime(2020, 1, 1))
        schedule = RRuleSchedule(rrule=text, timezone=zone)
    except ValueError:
        return {"r": text, "bad": True}
    n = random.choice([1, 5, 10])
    end = any_end(zone, start, 90 * 86400)
    dates, failed = collect(schedule, start, n, end)
    if dates is None or failed and not dates or any(b.year - a.year > 90 for a, b in zip([start] + dates, dates)):
        return None
    out = case(start, n, end, dates, r=text, z=zone)
    if failed or len(dates) < n and not end:
        out["over"] = True
    return out


# Intervals

def interval_dates(zone):
    whole = random.choice([0, 0, 1, 1, 2, 7, 30])
    rest = random.choice([0, 0, 60, 3600, 5400, 43200, 0.5, 1, 86399, 12345.5])
    every = dt.timedelta(days=whole, seconds=rest)
    if not every:
        return None
    anchor, stepped = any_start(zone), whole > 0 and zone != "UTC"
    far = random.uniform(0 if stepped else -900, 900)
    start = anchor + every * far if far * every < dt.timedelta(days=4000) else anchor + dt.timedelta(days=4000)
    start = start.replace(microsecond=random.choice([0, start.microsecond]))
    n, end = random.choice([1, 5, 12]), any_end(zone, start, 10 * every.total_seconds())
    schedule = IntervalSchedule(interval=every, anchor_date=anchor, timezone=zone)
    if stepped:
        dates, _ = collect(schedule, anchor, 990, end)
        if dates is None or rest == 0 and len({d.astimezone(ZoneInfo(zone)).time() for d in dates}) > 1:
            return None  # a gap moves the reference's daily time for good
        if len(dates) == 990 and dates[-n] < start:
            return None
        dates = [d for d in dates if d >= start][:n]
    else:
        dates, _ = collect(schedule, start, n, end)
        if dates is None:
            return None
    return case(start, n, end, dates, i=every // dt.timedelta(microseconds=1), a=micros(anchor), z=zone)


def repeat(count, make):
    out = []
    while len(out) < count:
        made = make()
        if made is not None:
            out.append(made)
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--out", default="golden.json.gz")
    args = parser.parse_args()
    random.seed(args.seed)

    def cron():
        expr = any_cron()
        if not croniter.is_valid(expr):
            return None
        return cron_dates(expr, random.choice(ZONES), random.random() < 0.85)

    def validity():
        text = any_validity()
        return None if random_field(text) else [text, croniter.is_valid(text)]

    def rrule():
        return rrule_dates(random.choice(ZONES))

    data = {
        "cron": repeat(int(6000 * args.scale), cron),
        "validity": repeat(int(4000 * args.scale), validity),
        "rrule": repeat(int(3000 * args.scale), rrule),
        "interval": repeat(int(2000 * args.scale), lambda: interval_dates(random.choice(ZONES))),
    }
    text = json.dumps(data, separators=(",", ":")).encode()
    with open(args.out, "wb") as file:
        file.write(gzip.compress(text, 9, mtime=0))
    print({key: len(value) for key, value in data.items()}, len(text))


main()
