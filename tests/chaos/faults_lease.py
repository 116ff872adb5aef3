"""Engines that come too late: another holds the lease by then."""

from api_proxy import Delay
from worlds import world

TAKEOVER = 300  # seconds: a lease stands still for 60, and the machine may be slow


def begin(w, maps):
    """Version 1 runs everywhere; in dev with many ConfigMaps, so that an apply takes its time."""
    files = {**w.pipeline(), **w.app("web")}
    files.update(w.settings("web", "1", maps=maps))
    w.repo.change("Version 1", files)
    engine = w.engine("a").start()
    w.settle()
    return engine


def version(w, value, tag, maps):
    w.repo.change(f"Version {value}", {**w.release("web", tag), **w.settings("web", value, maps=maps)})


def take_over(w, first, second, maps):
    """The second engine takes over with version 3; then the first comes back to the world."""
    w.eventually("the second engine takes the lease", lambda: w.repo.tenures()[-1][2] not in ("", first.id), TAKEOVER)
    w.await_outcome("dev/web", "good-3", "succeeded", TAKEOVER)
    w.require(w.values("dev", "web") == {"3": maps + 1}, f"after the takeover live holds {w.values('dev', 'web')}")
    w.require(second.id == w.repo.tenures()[-1][2], "the lease is not the second engine's")


def end(w, first, maps):
    w.eventually("the first engine knows that it is late",
                 lambda: "waiting_for_lease" in first.log() or "LeaseLost" in first.log() or "LeaseHeld" in first.log(), 180)
    w.settle(500)
    w.require(w.values("dev", "web") == {"3": maps + 1}, f"in the end live holds {w.values('dev', 'web')}")


@world("stopped-in-apply", seconds=1200)
def stopped_in_an_apply(w):
    """SIGSTOP in the middle of an apply, for longer than the lease; another engine brings newer content meanwhile."""
    maps = 200
    first = begin(w, maps)
    before = len(first.api.landed("PATCH"))
    first.api.play(Delay(w.random.uniform(0.3, 0.8)))
    version(w, "2", "good-2", maps)
    w.eventually("a part is applied", lambda: len(first.api.landed("PATCH")) > before + w.random.randrange(20, 100))
    first.pause()
    version(w, "3", "good-3", maps)
    second = w.engine("b").start()
    take_over(w, first, second, maps)
    first.api.clear()
    first.wake()
    end(w, first, maps)


@world("stopped-in-rollback", is_short=False, seconds=1200)
def stopped_in_a_rollback(w):
    """The same in the middle of a rollback."""
    maps = 200
    first = begin(w, maps)
    first.api.play(Delay(w.random.uniform(0.3, 0.8)))
    version(w, "2", "http500-2", maps)
    w.overtaken.add(("dev/web", "http500-2"))
    w.eventually("the bad version is live", lambda: w.values("dev", "web") == {"2": maps + 1})
    wanted = w.random.randrange(10, 80)
    w.eventually("a part is rolled back", lambda: w.values("dev", "web").get("1", 0) > wanted)
    first.pause()
    version(w, "3", "good-3", maps)
    second = w.engine("b").start()
    take_over(w, first, second, maps)
    first.api.clear()
    first.wake()
    end(w, first, maps)


@world("slow-takeover", seconds=1200)
def slow_api_and_no_git(w):
    """The API takes 12 s a PATCH and Git is cut: the first engine must have ended writing when the second begins."""
    maps = 450 if w.is_long else 300
    first = begin(w, maps)
    second = w.engine("b").start()
    w.eventually("the second engine waits", lambda: "waiting_for_lease" in second.log())
    before = len(first.api.landed("PATCH"))
    first.api.play(Delay(12), lambda request: request.is_write and request.method == "PATCH")
    version(w, "2", "good-2", maps)
    w.eventually("a part is applied", lambda: len(first.api.landed("PATCH")) > before + 10)
    first.git.cut()
    version(w, "3", "good-3", maps)
    take_over(w, first, second, maps)
    first.git.restore()
    end(w, first, maps)
