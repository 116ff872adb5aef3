"""Git away, or slow."""

import time

from worlds import world


def begin(w):
    w.repo.change("Begin", {**w.pipeline(), **w.app("web")})
    engine = w.engine("a").start()
    w.settle()
    return engine


def git_is_away(w, engine, seconds):
    engine.git.cut()
    time.sleep(seconds)
    renewals = w.repo.renewals()
    engine.git.restore()
    w.eventually("the lease is renewed again", lambda: w.repo.renewals() > renewals)
    polls = w.repo.polls()
    w.eventually("the engine has heard of it", lambda: w.repo.polls() > polls + 3)


@world("git-away-good", is_short=False, seconds=1100)
def git_away_twice(w):
    """Git goes twice for half a minute in one health wait of good content: it is waited on, and Succeeds."""
    engine = begin(w)
    w.repo.change("Release unready-2", {**w.release("web", "unready-2"), **w.application("web", "dev", timeout=240)})
    w.eventually("the release is live", lambda: w.live_tag("dev", "web") == "unready-2")
    for _ in range(2):
        git_is_away(w, engine, w.random.uniform(30, 45 if w.is_long else 33))
    w.succeeds_when_ready("web", "unready-2")
    w.settle()


@world("git-away-bad", seconds=1100)
def git_away_at_the_verdict(w):
    """Git goes for half a minute in the health wait of bad content, and again at its verdict: live goes back without Git."""
    engine = begin(w)
    w.repo.change("Release pullfail-2", {**w.release("web", "pullfail-2"), **w.application("web", "dev", timeout=60)})
    w.expect_failure("dev/web", "pullfail-2")
    w.eventually("the release is live", lambda: w.live_tag("dev", "web") == "pullfail-2")
    git_is_away(w, engine, w.random.uniform(30, 33))
    engine.git.cut()
    w.require(not w.has_outcome("dev/web", "pullfail-2", "failed"), "the verdict came too early for this world")
    w.eventually("live goes back while Git is away", lambda: w.live_tag("dev", "web") == "good-1", 45, "dev/web")
    time.sleep(10)
    engine.git.restore()
    w.await_outcome("dev/web", "pullfail-2", "reverted")
    w.settle()


@world("git-slow", is_short=False, seconds=2000)
def git_is_slow(w):
    """Every answer of Git takes 8 s: releases go on, and the lease is never lost."""
    engine = begin(w)
    engine.git.slow(8)
    w.repo.change("Release good-2", {**w.release("web", "good-2"), **w.settings("web", "2")})
    w.await_outcome("prod/web", "good-2", "succeeded", 900)
    w.repo.change("Release http500-3", w.release("web", "http500-3"))
    w.expect_failure("dev/web", "http500-3")
    w.await_outcome("dev/web", "http500-3", "reverted", 300)
    engine.git.fast()
    w.settle()
    w.require(len(w.repo.tenures()) == 1, f"the lease changed hands: {w.repo.tenures()}")
