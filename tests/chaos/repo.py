"""The config repo of a world: a bare origin behind the HTTP server of tests/support, and a developer's work tree."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass, field

from poll import until

SERVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support", "git_http_server.py")
LEASE = "refs/sluice/lease/deployments"
# Each update of a ref, with the time at which it had happened.
HOOK = """#!/bin/sh
now=$(date +%s.%N)
while read -r old new ref; do echo "$now $old $new $ref"; done >> refs.log
"""


@dataclass
class Event:
    """One commit of the log branch."""

    commit: str
    subject: str
    trailers: dict  # without the prefix; of repeated ones the last
    kind: str = ""
    unit: str = ""

    def __post_init__(self):
        self.kind = self.trailers.get("Event", "")
        if "Application" in self.trailers:
            self.unit = self.trailers["Environment"] + "/" + self.trailers["Application"]

    @property
    def rollout(self):
        return self.trailers.get("Rollout", "")


@dataclass
class Commit:
    """One commit of the config branch."""

    id: str
    author: str
    subject: str
    trailers: dict = field(default_factory=dict)


class Repo:
    def __init__(self, directory, home):
        self.known = {}
        self.origin, self.work = os.path.join(directory, "origin.git"), os.path.join(directory, "work")
        self.environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": home, "LC_ALL": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0", "GIT_AUTHOR_NAME": "Dana Developer",
            "GIT_AUTHOR_EMAIL": "dana@example.com", "GIT_COMMITTER_NAME": "Dana Developer",
            "GIT_COMMITTER_EMAIL": "dana@example.com"}
        self._run(directory, "init", "--quiet", "--bare", "--initial-branch=main", self.origin)
        self.git("config", "http.receivepack", "true")
        hook = os.path.join(self.origin, "hooks", "post-receive")
        with open(hook, "w") as file:
            file.write(HOOK)
        os.chmod(hook, 0o755)
        self._run(directory, "init", "--quiet", "--initial-branch=main", self.work)
        self._run(self.work, "remote", "add", "origin", self.origin)
        self._serve(directory)

    def _serve(self, directory):
        ready = os.path.join(directory, "git-server.ready")
        self.requests = os.path.join(directory, "git-requests.log")
        open(self.requests, "w").close()
        self.server = subprocess.Popen(
            [sys.executable, SERVER, "--root", directory, "--ready", ready, "--log", self.requests],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        until("the Git server is ready", lambda: os.path.exists(ready))
        with open(ready) as file:
            host, port = file.read().strip().removeprefix("http://").rsplit(":", 1)
        self.address = (host, int(port))

    def close(self):
        self.server.stdin.close()
        self.server.wait()

    def _run(self, directory, *arguments, check=True):
        ran = subprocess.run(["git", "-C", directory, *arguments], env=self.environment, capture_output=True, text=True)
        if check and ran.returncode != 0:
            raise RuntimeError(f"git {' '.join(arguments)} in {directory}: {ran.stderr}")
        return ran if not check else ran.stdout

    def git(self, *arguments):
        return self._run(self.origin, *arguments)

    # --- a developer's changes
    def change(self, subject, files):
        """Commits to the tip as it is now: path -> text, or None for a file or directory that goes. Returns the commit."""
        for _ in range(20):
            if self.tip("main"):
                self._run(self.work, "fetch", "--quiet", "origin", "main")
                self._run(self.work, "reset", "--quiet", "--hard", "FETCH_HEAD")
            for path, text in files.items():
                self._write(os.path.join(self.work, path), text)
            self._run(self.work, "add", "--all")
            self._run(self.work, "commit", "--quiet", "--allow-empty", "--message", subject)
            if self._run(self.work, "push", "--quiet", "origin", "HEAD:main", check=False).returncode == 0:
                return self._run(self.work, "rev-parse", "HEAD").strip()
        raise RuntimeError(f"'{subject}' could not be pushed")

    @staticmethod
    def _write(path, text):
        if text is None:
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
            return
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)

    # --- what is there
    def tip(self, branch):
        """The commit, or "" where there is no such branch."""
        try:
            with open(os.path.join(self.origin, "refs", "heads", branch)) as file:
                return file.read().strip()
        except FileNotFoundError:  # packed, or not there
            return self.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}").strip()

    def _once(self, branch, question, ask):
        """What `ask` answers, asked once for each tip of the branch: waiting costs no processes."""
        tip = self.tip(branch)
        known = self.known.get((branch, question))
        if known is None or known[0] != tip:
            known = (tip, ask(tip) if tip else None)
            self.known[(branch, question)] = known
        return known[1]

    def tree(self, branch="main"):
        """Path -> text of everything at the tip."""
        def ask(tip):
            packed = subprocess.run(["git", "-C", self.origin, "archive", "--format=tar", tip], env=self.environment,
                                    capture_output=True, check=True).stdout
            with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
                return {item.name: tar.extractfile(item).read().decode() for item in tar if item.isfile()}
        return self._once(branch, "tree", ask) or {}

    def show(self, path, branch="main"):
        """The file's text, or None where there is none."""
        return self.tree(branch).get(path)

    def files(self, under):
        """Paths of the config branch below a directory."""
        return [path for path in self.tree() if path.startswith(under + "/")]

    def record(self, unit):
        text = self.show(f"{unit}.json", "deployments")
        return json.loads(text) if text else None

    def events(self, unit=""):
        def ask(tip):
            return [Event(commit, subject, trailers) for commit, _, subject, trailers in self._log(tip)]
        return [e for e in self._once("deployments", "events", ask) or [] if unit in ("", e.unit)]

    def commits(self, path="."):
        """Of the config branch, oldest first."""
        return self._once("main", "commits " + path, lambda tip: [Commit(*entry) for entry in self._log(tip, path)]) or []

    def _log(self, tip, path="."):
        shape = "%H%x1f%an%x1f%s%x1f%(trailers:only,unfold)%x1e"
        for entry in self.git("log", "--reverse", f"--format={shape}", tip, "--", path).split("\x1e"):
            parts = entry.strip("\n").split("\x1f")
            if len(parts) < 4:
                continue
            pairs = re.findall(r"^Sluice-([\w-]+): (.*)$", parts[3], re.MULTILINE)
            yield parts[0], parts[1], parts[2], dict(pairs)

    def polls(self):
        """How often anybody has asked the Git server for anything."""
        with open(self.requests) as file:
            return sum(1 for _ in file)

    def _lease_updates(self):
        path = os.path.join(self.origin, "refs.log")
        if not os.path.exists(path):
            return []
        with open(path) as file:
            return [line.split() for line in file if line.rstrip().endswith(LEASE)]

    def renewals(self):
        return len(self._lease_updates())

    def tenures(self):
        """Who held the lease when: [(since, until or None, engine id)], by this machine's clock."""
        found = []
        for at, _, new, _ in self._lease_updates():
            is_gone = set(new) == {"0"}
            engine = "" if is_gone else self._engine_of(new)
            if found and found[-1][2] == engine:
                continue
            if found and found[-1][1] is None:
                found[-1] = (found[-1][0], float(at), found[-1][2])
            if not is_gone:
                found.append((float(at), None, engine))
        return found

    def _engine_of(self, commit):
        if commit not in self.known:
            self.known[commit] = self.git("log", "-1", "--format=%(trailers:key=Sluice-Engine,valueonly)", commit).strip()
        return self.known[commit]

    def request(self, verb, unit, reason):
        """What `sluice freeze` and its like push, without waiting for a program to start."""
        name = f"requests/{verb}-{time.time_ns()}.json"
        for _ in range(20):
            tip = self.tip("deployments")
            blob = self._with_input(json.dumps({"verb": verb, "unit": unit, "reason": reason}) + "\n",
                                    "hash-object", "-w", "--stdin")
            index = {"GIT_INDEX_FILE": os.path.join(self.origin, f"index-{os.getpid()}")}
            self._with_input("", "read-tree", tip, more=index)
            self._with_input("", "update-index", "--add", "--cacheinfo", f"100644,{blob},{name}", more=index)
            tree = self._with_input("", "write-tree", more=index)
            environment, application = unit.split("/")
            message = (f"{unit}: {verb} is asked for\n\nSluice-Event: request\nSluice-Environment: {environment}\n"
                       f"Sluice-Application: {application}\n")
            commit = self._with_input(message, "commit-tree", tree, "-p", tip)
            if self._run(self.origin, "update-ref", "refs/heads/deployments", commit, tip, check=False).returncode == 0:
                return commit
        raise RuntimeError(f"{verb} of {unit} could not be pushed")

    def _with_input(self, text, *arguments, more=None):
        return subprocess.run(["git", "-C", self.origin, *arguments], input=text, capture_output=True, text=True, check=True,
                              env={**self.environment, **(more or {})}).stdout.strip()
