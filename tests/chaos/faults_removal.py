"""Removals that somebody wants to stop."""

from api_proxy import Delay
from worlds import world

MAPS = 300


def begin_removal(w):
    """An application with many objects is removed, and the first of them is gone. Returns its files, and what was live."""
    w.repo.change("Begin", {**w.pipeline(), **w.app("web")})
    files = w.app("batch", environments=["dev"], maps=MAPS)
    w.repo.change("Add batch", files)
    engine = w.engine("a").start()
    w.settle()
    before = {name: item["metadata"]["uid"] for name, item in w.live("dev", "ConfigMap").items() if name.startswith("batch-")}
    engine.api.play(Delay(5), lambda request: request.is_write and request.method == "DELETE")
    w.repo.change("Remove batch", {"environments/dev/batch": None})
    w.eventually("the first object is gone", lambda: engine.api.landed("DELETE"))
    return engine, files, before


def survivors(w, before):
    now = {name: item["metadata"]["uid"] for name, item in w.live("dev", "ConfigMap").items()}
    return sum(now.get(name) == uid for name, uid in before.items())


@world("removal-restored", seconds=1500)
def removal_is_taken_back(w):
    """The directory comes back half way through the removal: what is not deleted yet stays, and the rest is made again."""
    engine, files, before = begin_removal(w)
    w.repo.change("Restore batch", files)
    ends = ("superseded", "removed", "cancelled")
    w.eventually("the removal ends", lambda: any(e.kind in ends for e in w.repo.events("dev/batch")), 300, "dev/batch")
    engine.api.clear()
    w.settle()
    w.require(survivors(w, before) > 0, f"all {len(before)} objects were deleted although the directory was back")


@world("removal-frozen", is_short=False, seconds=1500)
def removal_is_frozen(w):
    """A freeze half way through the removal: what is not deleted yet stays until somebody unfreezes."""
    engine, _, before = begin_removal(w)
    w.repo.request("freeze", "dev/batch", "wait a moment")
    w.eventually("the unit is frozen", lambda: any(e.kind == "frozen" for e in w.repo.events("dev/batch")), 300, "dev/batch")
    engine.api.clear()
    w.settle()
    left = survivors(w, before)
    w.require(left > 0, f"all {len(before)} objects were deleted although the unit was to be frozen")
    w.repo.request("unfreeze", "dev/batch", "go on")
    w.eventually("the removal ends", lambda: any(e.kind == "removed" for e in w.repo.events("dev/batch")), 300, "dev/batch")
    w.settle()
