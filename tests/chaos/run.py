#!/usr/bin/env python3
"""Chaos: the real program against a real control plane, while everything around it fails.

  run.py --sluice BIN --plane DIR (--short | --long) [--seed N] [--only FAULT[,FAULT...]] [--jobs N] [--counts FILE] [--keep]
  run.py --list

DIR is what tests/real/kubernetes/controlplane.sh made. Each fault has a world of its own; worlds run side by side, each in a
process. `--seed` repeats what was random: which release, which moment. The answers of the server and of Git are as fast as
they are, so a seed repeats the choices, not each instant. `--keep` keeps the worlds' directories, with the engines' logs.
FILE gets "passed failed skipped". `--short` plays one fault of each kind; `--long` all of them, with two engines and 200 kills.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import checks  # noqa: E402
import worlds  # noqa: E402
from plane import Plane  # noqa: E402
from world import Failed, Skipped, World  # noqa: E402

SKIPPED = 77


def run_world(options):
    """In a process of its own. Exit code: 0 passed, 77 skipped, else failed."""
    entry = worlds.load()[options.world]
    w = World(Plane(options.plane), entry.name, options)
    wrong, keep = [], options.keep
    try:
        entry.run(w)
    except Skipped as reason:
        print(f"   {entry.name}: skipped: {reason}", flush=True)
        w.close(False)
        return SKIPPED
    except Failed as failure:
        wrong.append(str(failure))
    except Exception:  # the suite's own fault is a failure, too, and says where
        wrong.append(traceback.format_exc())
    try:
        for engine in w.engines:
            if engine.is_running:
                engine.recover()
                engine.stop()
        wrong += checks.all_of(w)
    except Exception:
        wrong.append(traceback.format_exc())
    keep = keep or bool(wrong)
    for line in wrong:
        w.say("WRONG: " + line)
    if wrong:
        tell(w)
    w.close(keep)
    return 1 if wrong else 0


def tell(w):
    """What a person needs to find the cause."""
    w.say(f"kept: {w.directory}; load of this machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    for event in w.repo.events()[-40:]:
        w.say(f"log: {event.subject} [{event.trailers.get('Engine', '')} {event.trailers.get('Reason', '')}]")
    for engine in w.engines:
        for line in engine.log().splitlines()[-15:]:
            w.say(f"{engine.name}: {line[:400]}")


class Running:
    def __init__(self, entry, options):
        self.entry, self.begin, self.is_long = entry, time.monotonic(), options.long
        print(f"-- {entry.name} begins", flush=True)
        self.output = tempfile.TemporaryFile("w+")
        command = [sys.executable, os.path.abspath(__file__), "--world", entry.name, "--sluice", options.sluice, "--plane",
                   options.plane, "--base", options.base, "--seed", str(options.seed), "--long" if options.long else "--short"]
        command += ["--keep"] if options.keep else []
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT,
                                        start_new_session=True)

    @property
    def took(self):
        return time.monotonic() - self.begin

    def is_done(self):
        if self.process.poll() is None and self.took > self.entry.seconds * (3 if self.is_long else 1):
            print(f"-- {self.entry.name} hangs", flush=True)
            self.end()
        return self.process.poll() is not None

    def end(self):
        """With its engines and servers."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def report(self):
        """0 passed, 1 failed, 2 skipped; prints what the world said."""
        self.output.seek(0)
        code = self.process.returncode
        word = {0: "ok", SKIPPED: "skipped"}.get(code, "FAILED")
        print(f"-- {self.entry.name}: {word} in {self.took:.0f} s", flush=True)
        print(self.output.read(), end="", flush=True)
        return {0: 0, SKIPPED: 2}.get(code, 1)


def run_all(options, chosen):
    waiting = sorted(chosen, key=lambda entry: -entry.seconds)
    running, counts = [], [0, 0, 0]
    try:
        while waiting or running:
            while waiting and len(running) < options.jobs:
                running.append(Running(waiting.pop(0), options))
            for one in [r for r in running if r.is_done()]:
                running.remove(one)
                one.end()
                counts[one.report()] += 1
            time.sleep(0.05)
    finally:
        for one in running:
            one.end()
    return counts


def clean_up(base):
    """What a world that was ended could not take away itself."""
    with open("/proc/mounts") as mounts:
        left = [line.split()[1] for line in mounts if line.split()[1].startswith(base + "/")]
    for path in left:
        subprocess.run(["umount", "--lazy", path], check=False)
    if not os.listdir(base):
        os.rmdir(base)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("sluice", "plane", "only", "counts", "world", "base"):
        parser.add_argument("--" + name, help=argparse.SUPPRESS)
    for name in ("short", "long", "list", "keep"):
        parser.add_argument("--" + name, action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31), help=argparse.SUPPRESS)
    parser.add_argument("--jobs", type=int, default=16, help=argparse.SUPPRESS)
    options = parser.parse_args()
    known = worlds.load()
    if options.list:
        for entry in known.values():
            print(f"{entry.name:20} {'short, long' if entry.is_short else 'long':12} {entry.run.__doc__}")
        return 0
    if not options.sluice or not options.plane or options.long == options.short:
        parser.error("--sluice, --plane, and one of --short and --long are needed; see --help")
    if options.world:
        return run_world(options)
    names = options.only.split(",") if options.only else [e.name for e in known.values() if e.is_short or options.long]
    print(f"seed {options.seed}: {' '.join(names)}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options.base = tempfile.mkdtemp(prefix="sluice-chaos-")
    try:
        passed, failed, skipped = run_all(options, [known[name] for name in names])
    finally:
        clean_up(options.base)
    if options.counts:
        with open(options.counts, "w") as file:
            file.write(f"{passed} {failed} {skipped}\n")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
