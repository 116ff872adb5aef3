"""The list of worlds: one function for each fault, registered by its name."""

from dataclasses import dataclass
from typing import Callable


@dataclass
class Entry:
    name: str
    run: Callable
    is_short: bool  # also in the short form
    seconds: int  # after this long the world counts as hanging


WORLDS = {}


def world(name, is_short=True, seconds=900):
    def register(function):
        WORLDS[name] = Entry(name, function, is_short, seconds)
        return function
    return register


def load():
    import faults_api, faults_disk, faults_git, faults_kill, faults_lease, faults_removal  # noqa: E401, F401
    return WORLDS
