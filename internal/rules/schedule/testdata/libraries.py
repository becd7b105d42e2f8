"""The reference's croniter without its worst defect, and a way to give up what takes too long."""

import signal

from prefect._vendor.croniter import croniter

plain_diff = croniter._get_next_nearest_diff


def patched_diff(x, to_check, range_val):
    if range_val is not None:
        to_check = [d for d in to_check if d == "l" or d <= range_val] or to_check
    return plain_diff(x, to_check, range_val)


croniter._get_next_nearest_diff = staticmethod(patched_diff)


class Slow(Exception):
    pass


def on_alarm(*_):
    raise Slow


signal.signal(signal.SIGVTALRM, on_alarm)


def limit(seconds):
    """Raise Slow after so many seconds of work, never with 0."""
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
