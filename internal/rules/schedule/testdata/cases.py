"""Random schedules and questions to them, and how their answers are written down.

generate.py asks the reference for the answers, differential.py the libraries it is made of.
"""

import datetime as dt
import random
import string
from zoneinfo import ZoneInfo

UTC = dt.timezone.utc
ZONES = """UTC America/New_York America/Los_Angeles America/St_Johns America/Sao_Paulo Europe/London
Europe/Berlin Europe/Dublin Asia/Kolkata Asia/Kathmandu Asia/Tokyo Australia/Sydney Australia/Lord_Howe
Pacific/Auckland Pacific/Chatham Antarctica/Troll""".split()


def changes(zone):
    """The instants at which the clock changes from 2020 to 2036."""
    tz, found = ZoneInfo(zone), []
    at = dt.datetime(2020, 1, 1, tzinfo=UTC)
    while at.year < 2036:
        later = at + dt.timedelta(days=1)
        if at.astimezone(tz).utcoffset() != later.astimezone(tz).utcoffset():
            for step in (dt.timedelta(hours=1), dt.timedelta(minutes=1)):
                while at.astimezone(tz).utcoffset() == (at + step).astimezone(tz).utcoffset():
                    at += step
            found.append(at + dt.timedelta(minutes=1))
        at = later
    return found


CHANGES = {zone: changes(zone) for zone in ZONES}


def any_start(zone):
    if CHANGES[zone] and random.random() < 0.6:
        at = random.choice(CHANGES[zone]) + dt.timedelta(minutes=random.randint(-3000, 240))
    else:
        at = dt.datetime(2020, 1, 1, tzinfo=UTC) + dt.timedelta(seconds=random.randint(0, 15 * 365 * 86400))
    return at.replace(second=random.choice([0, 0, 0, random.randint(0, 59)]),
                      microsecond=random.choice([0, 0, 0, random.randint(1, 999999)]))


def after_change(zone, at):
    return any(dt.timedelta(0) <= at - change < dt.timedelta(hours=3) for change in CHANGES[zone])


def any_end(zone, start, reach):
    if random.random() > 0.2:
        return None
    end = start + dt.timedelta(seconds=random.random() * reach)
    end = end.replace(microsecond=0)
    return None if after_change(zone, end) or after_change(zone, end + dt.timedelta(hours=2)) else end


def micros(at):
    return (at - dt.datetime(1970, 1, 1, tzinfo=UTC)) // dt.timedelta(microseconds=1)


def deltas(dates):
    """Dates as the first one and the steps after it, in microseconds or seconds."""
    values = [micros(d) for d in dates]
    unit = 1 if any(v % 1000000 for v in values) else 1000000
    values = [v // unit for v in values]
    return {"u": unit, "d": [b - a for a, b in zip([0] + values, values)]}


def case(start, n, end, dates, **more):
    out = dict(more, s=micros(start), n=n, **deltas(dates))
    if end:
        out["e"] = micros(end)
    return out


# Cron

RANGES = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6), (0, 59), (2024, 2040)]
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
DAYS = "sun mon tue wed thu fri sat".split()


def cron_value(i):
    low, high = RANGES[min(i, 6)]
    if i == 3 and random.random() < 0.3:
        return random.choice(MONTHS)
    if i == 4 and random.random() < 0.4:
        return random.choice(DAYS)
    if i == 4 and random.random() < 0.1:
        return "7"
    if i == 2 and random.random() < 0.15:
        return random.choice(["29", "30", "31", "1"])
    return str(random.randint(low, high))


def cron_item(i):
    roll = random.random()
    if roll < 0.45:
        return cron_value(i)
    if roll < 0.6:
        return f"{cron_value(i)}-{cron_value(i)}"
    if roll < 0.7:
        return f"{cron_value(i)}-{cron_value(i)}/{random.randint(1, 9)}"
    if roll < 0.85:
        return f"*/{random.choice([1, 2, 3, 5, 7, 10, 15, 20, 30, 70])}"
    if roll < 0.9:
        return f"{cron_value(i)}/{random.randint(1, 12)}"
    if i == 2:
        return "L"
    if i == 4:
        return random.choice([f"{cron_value(4)}#{random.randint(1, 5)}", f"L{random.randint(0, 7)}", "mon-fri#2"])
    return "*"


def cron_field(i, star):
    if random.random() < star:
        return random.choice(["*", "*", "*", "?"]) if i in (2, 4) else "*"
    return ",".join(cron_item(i) for _ in range(random.choice([1, 1, 1, 1, 2, 2, 3])))


def any_cron():
    if random.random() < 0.02:
        return random.choice("@midnight @hourly @daily @weekly @monthly @yearly @annually @DAILY".split())
    width = random.choices([5, 6, 7], [80, 13, 7])[0]
    stars = [0.2, 0.3, 0.6, 0.7, 0.6, 0.2, 0.4]
    text = " ".join(cron_field(i, stars[i]) for i in range(width))
    return text.upper() if random.random() < 0.2 else text


NOISE = ["", "60", "-1", "L", "W", "15W", "H", "h/5", "R", "r(1-5)", "?", "*/0", "5-", "-5", "1,,2", "1,", "a", "mon", "jan", "0", "7",
         "8", "13", "32", "24", "5#6", "5#0", "5#2,1", "1-5#2", "*/x", "1-2-3", "1/2/3", "*-5", "5-0", "L5", "5L", "l-3", "1-l", "sun-sun",
         "jan-jan", "dec-feb", "dec-feb/2", "sat-mon", "fri-tue/2", "50-10/7", "22-4/3", "28-3", "1969", "2100", "1-31", "0-59", "0-6",
         "1-7", "*,1", "*,5#2", "0-6,2#3", "1#2,3#4", "sun-fri#1", "l1,l2", "7#1", "0-7", "5-7", "1-7/2", "3-1/5", "**", "*5", "+5", "5.5"]


def any_validity():
    """A valid expression with one to three fields replaced by odd ones."""
    fields = [cron_field(i, 0.5) for i in range(random.choices([4, 5, 6, 7, 8], [3, 80, 10, 8, 2])[0])]
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        fields[random.randrange(len(fields))] = random.choice(NOISE)
    text = " ".join(fields)
    if random.random() < 0.1:
        i = random.randrange(len(text) + 1)
        text = text[:i] + random.choice(string.punctuation + "0r l") + text[i:]
    return text


def random_field(text):
    """Fields drawn at random are refused in every form by the package."""
    import re
    return any(re.match(r"^r(\(\d+-\d+\))?(/\d+)?$", f.lower()) for f in text.split())


# Recurrence rules

def some(low, high, most):
    return ",".join(str(random.randint(low, high)) for _ in range(random.randint(1, most)))


def signed(high, most):
    return ",".join(str(random.choice([1, 1, -1]) * random.randint(1, high)) for _ in range(random.randint(1, most)))


def any_rule(freq, count_free=False):
    parts = [f"FREQ={freq}"]

    def maybe(chance, text):
        if random.random() < chance:
            parts.append(text)

    slow = freq in ("YEARLY", "MONTHLY", "WEEKLY", "DAILY")
    maybe(0.4, f"INTERVAL={random.choice([1, 2, 3, 4, 5, 7, 12, 15, 30, 90])}")
    maybe(0.15, f"WKST={random.choice(['MO', 'SU', 'WE', 'SA'])}")
    if not count_free:
        maybe(0.15, f"COUNT={random.randint(0, 40)}")
    maybe(0.2, f"BYMONTH={some(1, 12, 3)}")
    maybe(0.2, f"BYMONTHDAY={signed(31, 3)}")
    days = [random.choice(["", "", "", "+1", "-1", "2", "-2"] if slow else [""]) + random.choice("MO TU WE TH FR SA SU".split())
            for _ in range(random.randint(1, 3))]
    maybe(0.35, f"BYDAY={','.join(days)}")
    maybe(0.06, f"BYYEARDAY={signed(366, 4)}")
    maybe(0.08, f"BYWEEKNO={signed(53, 4)}")
    maybe(0.03, f"BYEASTER={random.randint(-20, 60)}")
    maybe(0.3, f"BYHOUR={some(0, 23, 3)}")
    maybe(0.3, f"BYMINUTE={some(0, 59, 3)}")
    maybe(0.15, f"BYSECOND={some(0, 59, 2)}")
    maybe(0.15, f"BYSETPOS={signed(4, 2)}")
    random.shuffle(parts)
    return ";".join(parts)


def wall_text(at):
    return at.strftime("%Y%m%dT%H%M%S")


def any_rrule(zone):
    """A recurrence text and a start that is not too far from where it begins."""
    freq = random.choice("YEARLY MONTHLY WEEKLY DAILY HOURLY MINUTELY SECONDLY".split())
    start = any_start(zone)
    reach = {"SECONDLY": 0.03, "MINUTELY": 1, "HOURLY": 40}.get(freq, 700)
    begin = (start - dt.timedelta(days=random.uniform(-0.1, 1) * reach)).astimezone(ZoneInfo(zone))
    rules = ["RRULE:" + any_rule(freq)]
    zoned = random.choice(["", "", "Z"])
    if random.random() < 0.15:
        rules[0] += f";UNTIL={wall_text(start + dt.timedelta(days=random.random() * reach))}{zoned}"
    explicit = freq in ("SECONDLY", "MINUTELY") or random.random() < 0.8
    lines = [f"DTSTART:{wall_text(begin)}{zoned}"] if explicit else []
    if not explicit and "UNTIL" in rules[0]:
        rules[0] = rules[0].removesuffix("Z")
    if random.random() < 0.2:
        other = random.choice("MONTHLY WEEKLY DAILY".split())
        rules.append(random.choice(["RRULE:", "EXRULE:"]) + any_rule(other))
    if random.random() < 0.15:
        rules.append("RDATE:" + ",".join(wall_text(begin + dt.timedelta(hours=random.randint(0, 900))) for _ in range(3)))
    if random.random() < 0.15:
        rules.append("EXDATE:" + ",".join(wall_text(begin + dt.timedelta(days=d)) for d in range(3)))
    return "\n".join(lines + rules), start
