"""Prints how many seconds of CPU the reference needs to look once at the rules that it gets."""

import asyncio
import datetime
import json
import sys
import time

from prefect.server.schemas.schedules import RRuleSchedule

start = datetime.datetime(2026, 3, 2, 12, 0, tzinfo=datetime.timezone.utc)
rules = json.load(sys.stdin)
began = time.process_time()
for rule in rules:
    schedule = RRuleSchedule(rrule=rule)
    asyncio.run(schedule.get_dates(n=3, start=start, end=start + datetime.timedelta(days=100)))
print(time.process_time() - began)
