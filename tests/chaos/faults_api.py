"""An API server that is away, or busy, or whose answers are lost, or are not its own."""

import json
import time

from api_proxy import Answer, Drop, Hang, refusal
from world import BAD
from worlds import world

STATUS = json.dumps({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})


def begin(w):
    w.repo.change("Begin", {**w.pipeline(), **w.app("web")})
    engine = w.engine("a").start()
    w.settle()
    return engine


def outage_in_a_health_wait(w, begin_outage):
    """For longer than the health timeout, which says nothing about the release: it Succeeds."""
    engine = begin(w)
    w.repo.change("Release unready-2", {**w.release("web", "unready-2"), **w.application("web", "dev", timeout=30)})
    w.eventually("the release is live", lambda: w.live_tag("dev", "web") == "unready-2")
    begin_outage(engine)
    time.sleep(w.random.uniform(32, 36))
    engine.api.restore()
    engine.api.clear()
    w.succeeds_when_ready("web", "unready-2")
    w.settle()


@world("api-away", is_short=False, seconds=1500)
def api_away_in_a_health_wait(w):
    """The API server refuses connections for longer than the health timeout of a good release, which then Succeeds."""
    outage_in_a_health_wait(w, lambda engine: engine.api.cut())


@world("api-hangs", seconds=1500)
def api_hangs_in_a_health_wait(w):
    """The same with a server that takes requests and does not answer."""
    outage_in_a_health_wait(w, lambda engine: engine.api.play(Hang(), lambda request: True))


@world("api-away-bad", is_short=False, seconds=1500)
def api_away_in_a_rollback(w):
    """The API server goes as soon as the verdict is there. When it is back, live goes back, and Git is reverted once."""
    engine = begin(w)
    w.repo.change(f"Release {BAD}-2", {**w.release("web", f"{BAD}-2"), **w.settings("web", "2")})
    w.expect_failure("dev/web", f"{BAD}-2")
    w.eventually("the release is live", lambda: w.live_tag("dev", "web") == f"{BAD}-2")
    landed = len(engine.api.landed())
    w.eventually("the rollback begins", lambda: len(engine.api.landed()) > landed)
    engine.api.cut()
    time.sleep(w.random.uniform(8, 12))
    engine.api.restore()
    w.await_outcome("dev/web", f"{BAD}-2", "reverted")
    w.settle()


@world("bad-2xx", seconds=1500)
def success_that_is_none(w):
    """A proxy answers each PATCH with 200 and something else than the object: never Succeeded, never promoted."""
    engine = begin(w)
    for number, body in enumerate(("{}", "[]", STATUS), 2):
        tag = f"good-{number}"
        engine.api.play(Answer(200, body))
        w.repo.change(f"Release {tag}", {**w.release("web", tag), **w.settings("web", tag)})
        w.eventually("the engine is lied to", lambda: any(r.played and r.is_write for r in engine.api.seen()))
        time.sleep(w.random.uniform(3, 5))
        w.require("succeeded" not in w.outcomes("dev/web", tag), f"{tag} Succeeded on answers {body}")
        w.require("failed" not in w.outcomes("dev/web", tag), f"{tag} Failed on answers {body}")
        w.require(w.tag("staging/web") != tag, f"{tag} was promoted on answers {body}")
        engine.api.clear()
        w.await_outcome("prod/web", tag, "succeeded", 300)
    w.settle()


def good_and_bad(w, engine, fault, where, rounds):
    """Releases, one after another, while a fault is played on some of the requests. No number comes twice: an older
    release is not promoted again."""
    first = int(w.tag("dev/web").rpartition("-")[2]) + 1
    for number in range(first, first + rounds):
        is_bad = number % 2 == 1
        tag = f"{BAD if is_bad else 'good'}-{number}"
        engine.api.play(fault, where)
        w.repo.change(f"Release {tag}", {**w.release("web", tag), **w.settings("web", tag)})
        if is_bad:
            w.expect_failure("dev/web", tag)
            w.await_outcome("dev/web", tag, "reverted", 300)
        else:
            w.await_outcome("dev/web", tag, "succeeded", 300)
        engine.api.clear()
        w.settle()


@world("lost-answers", seconds=1200)
def answers_are_lost(w):
    """The server does what it is asked, and half of the answers to writes never arrive."""
    engine = begin(w)
    good_and_bad(w, engine, Drop(), lambda r: r.is_write and w.random.random() < 0.5, 8 if w.is_long else 2)


@world("busy-api", is_short=False, seconds=1200)
def api_is_busy(w):
    """A third of all requests is answered 429, 500 or 503: no verdict comes of it."""
    engine = begin(w)
    for code, reason in ((429, "TooManyRequests"), (503, "ServiceUnavailable"), (500, "InternalError")):
        number = int(w.tag("dev/web").rpartition("-")[2]) + 1
        engine.api.play(refusal(code, reason), lambda r: w.random.random() < 0.3)
        w.repo.change(f"Release good-{number}", {**w.release("web", f"good-{number}"), **w.settings("web", str(number))})
        w.await_outcome("dev/web", f"good-{number}", "succeeded", 300)
        engine.api.clear()
    if w.is_long:
        good_and_bad(w, engine, refusal(503, "ServiceUnavailable"), lambda r: w.random.random() < 0.3, 6)
    w.settle()
