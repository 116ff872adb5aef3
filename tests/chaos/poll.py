"""Waiting for what comes, never for a time."""

import time


class Late(Exception):
    """Something did not come within its deadline."""


def until(what, condition, seconds=300, every=0.1):
    """Returns what `condition` returns as soon as that is true; raises Late, with its newest answer, when it is not."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise Late(f"{what}: not within {seconds:.0f} s")
        time.sleep(every)
