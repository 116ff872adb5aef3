"""Runs the commands that documents show.   doc_snippets.py --sluice BIN [--list] [FILE...]

A fenced ```console block with a comment `<!-- test: WORDS -->` before it is a test (docs/testing.md). WORDS, separated by
commas: `world` makes a sandbox and a config repo first (once for each document), `exit N` is the exit code that the last
command of the block must have. Lines beginning with "$ " are commands, run one after the other by bash in one directory
for each document; a command goes on in the next line after a backslash. Other lines are the output that is expected, where
… (or a line of it alone) stands for anything.
"""

import argparse
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^<!-- test(?::\s*(?P<words>[^>]*?))?\s*-->\n+```console\n(?P<body>.*?)^```", re.DOTALL | re.MULTILINE)


class Failure(Exception):
    pass


def parse(body):
    """[(command, [expected line])] of a block."""
    steps = []
    lines = iter(body.splitlines())
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\"):
                command += "\n" + next(lines, "").removeprefix("> ")
            steps.append((command, []))
        elif steps:
            steps[-1][1].append(line)
        elif line.strip():
            raise Failure(f"output before the first command: {line}")
    return steps


def matches(expected, printed):
    """Whether the printed lines are the expected ones; … is any text of a line, a line of … alone is any lines."""
    pattern = ""
    for line in expected:
        if line.strip() in ("…", "..."):
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += r"[^\n]*?".join(re.escape(part) for part in re.split("…", line.rstrip())) + r"[ \t]*\n"
    return re.fullmatch(pattern + r"\n*", printed if printed.endswith("\n") or not printed else printed + "\n") is not None


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


class Place:
    """Where the commands of one document run."""

    def __init__(self, sluice):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="sluice-docs-"))
        self.sluice = pathlib.Path(sluice).resolve()
        self.sandbox = None
        self.environment = {
            "PATH": f"{self.sluice.parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.directory / "home"), "LC_ALL": "C.UTF-8", "TZ": "UTC", "TERM": "dumb", "COLUMNS": "120",
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "Dana Developer", "GIT_AUTHOR_EMAIL": "dana@example.com",
            "GIT_COMMITTER_NAME": "Dana Developer", "GIT_COMMITTER_EMAIL": "dana@example.com",
            **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")},
        }
        (self.directory / "home").mkdir()

    def run(self, command):
        return subprocess.run(["bash", "-c", command], cwd=self.directory, env=self.environment, timeout=300,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def must(self, command):
        ran = self.run(command)
        if ran.returncode != 0:
            raise Failure(f"making the world: {command}: {ran.stdout}")

    def make_world(self):
        if self.sandbox:
            return
        port = free_port()
        # The shop names the HTTP front at its default port; here it is wherever there was room.
        shutil.copytree(ROOT / "environments/shop", self.directory / "shop")
        for path in (self.directory / "shop").rglob("*.yaml"):
            path.write_text(re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{port}", path.read_text()))
        self.must("git init -q --bare -b main shop.git && cd shop && git init -q -b main && git add -A && "
                  "git commit -q -m 'Begin' && git remote add origin ../shop.git && git push -q origin main")
        log = open(self.directory / "sandbox.log", "w")
        self.sandbox = subprocess.Popen(
            [self.sluice, "sandbox", "--dir", "clusters", "--port", "0", "--http-port", str(port),
             "--clusters", "dev,staging,prod"],
            cwd=self.directory, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for _ in range(600):
            if "ready" in (self.directory / "sandbox.log").read_text():
                break
            if self.sandbox.poll() is not None:
                raise Failure("the sandbox ended: " + (self.directory / "sandbox.log").read_text())
            time.sleep(0.05)
        (self.directory / "daemon.yaml").write_text(f"""apiVersion: sluice.dev/v1
kind: Daemon
metadata: {{name: docs}}
spec:
  repository: {{url: {self.directory}/shop.git}}
  kubeconfig: {self.directory}/clusters/kubeconfig
  dataDir: {self.directory}/data
  identity: {{name: sluice, email: sluice@example.com}}
""")
        self.environment["SLUICE_CONFIG"] = str(self.directory / "daemon.yaml")

    def close(self):
        if self.sandbox and self.sandbox.poll() is None:
            self.sandbox.terminate()
            self.sandbox.wait(timeout=20)
        shutil.rmtree(self.directory, ignore_errors=True)


def run_document(path, sluice):
    """Number of blocks run; raises Failure."""
    text = path.read_text()
    blocks = list(BLOCK.finditer(text))
    if not blocks:
        return 0
    place = Place(sluice)
    try:
        for block in blocks:
            line = text.count("\n", 0, block.start("body")) + 1
            words = [w.strip() for w in (block["words"] or "").split(",") if w.strip()]
            wanted = 0
            for word in words:
                if word == "world":
                    place.make_world()
                elif re.fullmatch(r"exit \d+", word):
                    wanted = int(word.split()[1])
                else:
                    raise Failure(f"{path.name}:{line}: unknown word '{word}' in <!-- test: … -->")
            steps = parse(block["body"])
            for index, (command, expected) in enumerate(steps):
                ran = place.run(command)
                code = wanted if index == len(steps) - 1 else 0
                where = f"{path.relative_to(ROOT)}:{line}: $ {command}"
                if ran.returncode != code:
                    raise Failure(f"{where}\nexit code {ran.returncode}, wanted {code}; it printed:\n{ran.stdout}")
                if any(l.strip() for l in expected) and not matches(expected, ran.stdout):
                    raise Failure(f"{where}\nthe document shows:\n" + "\n".join(expected) + f"\nit printed:\n{ran.stdout}")
        return len(blocks)
    finally:
        place.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sluice", required=True)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    args = parser.parse_args()
    files = [f.resolve() for f in args.files] or sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
    failed = 0
    for path in files:
        try:
            count = run_document(path, args.sluice)
            if count:
                print(f"{path.relative_to(ROOT)}: {count} blocks ran")
        except (Failure, subprocess.TimeoutExpired) as error:
            failed += 1
            print(error)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
