"""A data directory without space."""

import os
import subprocess

from world import Skipped
from worlds import world


def mount_small_disk(w, path, size):
    if os.geteuid() != 0:
        raise Skipped("a small disk is mounted by root only")
    os.makedirs(path)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", path],
                             capture_output=True, text=True)
    if mounted.returncode != 0:
        raise Skipped(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    w.cleanups.append(lambda: subprocess.run(["umount", "--lazy", path], check=False))


def fill(path):
    filler = os.path.join(path, "filler")
    with open(filler, "wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    return filler


@world("disk-full", seconds=1500)
def disk_full_at_the_verdict(w):
    """dataDir is full when bad content gets its verdict: live goes back at once, and Git when there is space again."""
    engine = w.engine("a")
    mount_small_disk(w, engine.data, "48m")
    w.repo.change("Begin", {**w.pipeline(), **w.app("web")})
    engine.start()
    w.settle()
    w.repo.change("Release pullfail-2", {**w.release("web", "pullfail-2"), **w.application("web", "dev", timeout=15)})
    w.expect_failure("dev/web", "pullfail-2")
    w.eventually("the release is live", lambda: w.live_tag("dev", "web") == "pullfail-2")
    filler = fill(engine.data)
    try:
        w.eventually("live goes back while the disk is full", lambda: w.live_tag("dev", "web") == "good-1", 100, "dev/web")
    finally:
        os.unlink(filler)
    w.await_outcome("dev/web", "pullfail-2", "reverted", 300)
    w.settle()
