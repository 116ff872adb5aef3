"""What the house tests know of the source tree. Debian's python3 only."""

import functools
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Rank of each module: a module includes lower ranks and itself only (docs/architecture.md).
RANKS = {
    "base": 0,
    "model": 1,
    "io": 2, "yaml": 2, "git": 2,
    "deploylog": 3, "config": 3, "render": 3, "plan": 3, "gates": 3, "promotion": 3, "forge": 3, "notify": 3,
    "targets": 3, "targets/kubernetes": 3, "targets/ecs": 3, "verify": 3,
    "rollout": 4,
    "daemon": 5,
    "api": 6,
    "sandbox": 6,
    "cli": 7,
}

# What a module may include beyond lower ranks, or must not include although lower.
EXTRA = {
    "git": {"io"},  # child programs, HTTP for the poll, files
    "targets/kubernetes": {"targets"},  # the driver interface it implements
    "targets/ecs": {"targets"},
}
# The sandbox stands beside the real target: it must not share the client's view of the API, nor the engine's state.
ONLY = {
    "sandbox": {"base", "model", "io", "yaml"},
}

# Third-party headers: where they may be included at all. What is not listed here is free.
THIRD_PARTY = [
    (re.compile(r"^git2(\.h|/)"), {"git"}),
    (re.compile(r"^yaml-cpp/"), {"yaml", "sandbox"}),  # the sandbox reads bodies with a parser that is not the client's
    (re.compile(r"^yaml\.h$"), {"yaml"}),
    (re.compile(r"^curl/"), {"io"}),
    (re.compile(r"^spdlog/"), {"base"}),
    (re.compile(r"^fmt/"), {"base"}),
    (re.compile(r"^CLI/"), {"cli"}),
    (re.compile(r"^boost/process"), {"io"}),
    (re.compile(r"^boost/(beast|asio)"), {"io", "sandbox", "api", "daemon"}),
    (re.compile(r"^simdjson"), {"targets/kubernetes", "targets/ecs"}),
    (re.compile(r"^openssl/"), {"base", "io", "sandbox", "targets/ecs", "targets/kubernetes", "api", "forge"}),
]


class Case(unittest.TestCase):
    def assert_none(self, wrong, hint=""):
        """Fails with one finding a line."""
        if wrong:
            self.fail("\n".join([hint, *map(str, wrong)]).strip())


INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


@functools.cache
def tracked(*patterns):
    """Files that Git tracks or that are new and not ignored, as paths from the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sorted({p for p in listed.split("\0") if p and (ROOT / p).is_file()})


@functools.cache
def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def code_files(*folders):
    return [p for p in tracked(*(folders or ("engine",))) if p.endswith((".h", ".cc"))]


def module_of(path):
    """"engine/targets/kubernetes/x.cc" -> "targets/kubernetes"; the longest folder that has a rank."""
    parts = path.split("/")[1:-1]
    for length in range(len(parts), 0, -1):
        if "/".join(parts[:length]) in RANKS:
            return "/".join(parts[:length])
    return None


def includes(path):
    """(line, quoted, included path) of each include."""
    text = read(path)
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start(2)) + 1, match.group(1) == '"', match.group(2)


def without_comments(text):
    """C++ text with comments blanked out and string contents kept; newlines stay."""
    pattern = re.compile(r'R"([^(]{0,16})\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//[^\n]*|/\*.*?\*/', re.DOTALL)

    def blank(match):
        found = match.group(0)
        return re.sub(r"[^\n]", " ", found) if found.startswith(("//", "/*")) else found

    return pattern.sub(blank, text)
