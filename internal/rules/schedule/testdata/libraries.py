"""The reference's croniter without its worst defect, and a way to give up what takes too long."""

import signal

from prefect._vendor.croniter import croniter

plain_diff = croniter._get_next_nearest_diff


def patched_diff(x, to_check, range_val):
    if range_val is not None:
        to_check = [d for d in to_check if d == "l" or d <= range_val] or to_check
    return plain_diff(x, to_check, range_val)


croniter._get_next_nearest_diff = staticmethod(patched_diff)


class Slow(BaseException):
    """Work took too long. No library catches it by mistake, as it is no Exception."""


def on_alarm(*_):
    raise Slow


signal.signal(signal.SIGVTALRM, on_alarm)


def within(seconds, work):
    """What work returns, or Slow when that takes more than so many seconds of computing.

    The alarm may ring at any line of this function, the last ones too, but never later.
    """
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
        return work()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
