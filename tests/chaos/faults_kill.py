"""Engines that die."""

import time

from poll import until
from world import BAD
from worlds import world

MOST_KILLS_OF_ONE_ROLLOUT = 2  # three in a row that come no further are held for a person, by design


class Killer:
    """Kills engines at random moments, but no rollout more often than it has to bear."""

    def __init__(self, w):
        self.w, self.of_rollout = w, {}

    def may_kill(self):
        for unit in self.w.units():
            record = self.w.repo.record(unit) or {}
            key = (unit, record.get("rollout"))
            if record.get("phase") in ("Applying", "RollingBack") and self.of_rollout.get(key, 0) >= MOST_KILLS_OF_ONE_ROLLOUT:
                return False
        return True

    def note(self):
        for unit in self.w.units():
            record = self.w.repo.record(unit) or {}
            if record.get("phase") in ("Applying", "RollingBack"):
                key = (unit, record.get("rollout"))
                self.of_rollout[key] = self.of_rollout.get(key, 0) + 1


class Developer:
    """Releases one thing after another, good and bad, each when the one before has its verdict."""

    def __init__(self, w, names):
        self.w, self.number = w, dict.fromkeys(names, 1)
        self.current = dict.fromkeys(names, "good-1")

    def next(self):
        for name, tag in self.current.items():
            unit, wanted = f"dev/{name}", "failed" if tag.startswith(BAD) else "succeeded"
            if not self.w.has_outcome(unit, tag, wanted):
                continue
            if wanted == "failed" and not self.w.has_outcome(unit, tag, "reverted"):
                continue
            self.number[name] += 1
            is_bad = self.w.random.random() < 0.3
            tag = f"{BAD if is_bad else 'good'}-{self.number[name]}"
            if is_bad:
                self.w.expect_failure(unit, tag)
            self.w.repo.change(f"Release {tag} of {name}",
                               {**self.w.release(name, tag), **self.w.settings(name, tag)})
            self.current[name] = tag


def prepare(w, names=("web", "api")):
    files = w.pipeline()
    for name in names:
        files.update(w.app(name))
    w.repo.change("Begin", files)


@world("kills", seconds=1200)
def random_kills(w):
    """SIGKILL at random, again and again, while good and bad releases go from dev to prod."""
    prepare(w)
    engine, killer, developer = w.engine("a").start(), Killer(w), Developer(w, ("web", "api"))
    for number in range(120 if w.is_long else 10):
        developer.next()
        time.sleep(w.random.uniform(0.05, 3.0))
        until("no rollout has died too often", killer.may_kill, 240)
        killer.note()
        engine.kill()
        engine.start()
        if number % 20 == 19:
            w.say(f"{number + 1} kills")
    w.settle()


@world("kills-two-engines", is_short=False, seconds=5000)
def kills_of_two_engines(w):
    """Two engines; now one dies, now it hands over, now it stays away until the other takes over."""
    prepare(w)
    engines = [w.engine("a").start(), w.engine("b").start()]
    killer, developer = Killer(w), Developer(w, ("web", "api"))
    for number in range(80):
        developer.next()
        time.sleep(w.random.uniform(0.05, 3.0))
        until("no rollout has died too often", killer.may_kill, 300)
        engine = w.random.choice(engines)
        if w.random.random() < 0.3:
            engine.stop()
        else:
            killer.note()
            engine.kill()
        if w.random.random() < 0.08:
            holders = [t[2] for t in w.repo.tenures()][-1:]
            if holders == [engine.id]:
                w.eventually("the other engine takes over", lambda: w.repo.tenures()[-1][2] != engine.id, 90)
        engine.start()
        if number % 20 == 19:
            w.say(f"{number + 1} kills")
    w.settle(500)


@world("two-kills", seconds=1200)
def two_kills_in_one_rollout(w):
    """Two kills in one health wait need no person: the rollout goes on and Succeeds."""
    prepare(w, ["web"])
    engine = w.engine("a").start()
    w.settle()
    w.repo.change("Release unready-2", w.release("web", "unready-2"))
    w.await_outcome("dev/web", "unready-2", "started")
    for kill in (1, 2):
        w.eventually("the release is live", lambda: w.live_tag("dev", "web") == "unready-2")
        engine.kill()
        engine.start()
        w.eventually(f"it is found open after kill {kill}",
                     lambda: w.outcomes("dev/web", "unready-2").count("started") > kill, 120, "dev/web")
    w.succeeds_when_ready("web", "unready-2")
    w.settle()
