"""A config repo, a namespace and one engine on the real plane, and what a run of a program costs."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "chaos"))
from repo import Repo  # noqa: E402

DAEMON = """apiVersion: sluice.dev/v1
kind: Daemon
metadata: {{name: bench}}
spec:
  repository: {{url: "{url}", poll: 1s}}
  kubeconfig: {kubeconfig}
  dataDir: {data}
  identity: {{name: sluice, email: sluice@example.com}}
  log: {{level: warn}}
"""
PIPELINE = """apiVersion: sluice.dev/v1
kind: Pipeline
metadata: {{name: {name}}}
spec:
  environments: [dev]
"""
ENVIRONMENT = """apiVersion: sluice.dev/v1
kind: Environment
metadata: {{name: dev}}
spec:
  targets:
    - {{name: main, kubernetes: {{context: dev, namespace: {namespace}}}}}
  prune: {{maxCount: 100000, maxPercent: 100, removedApplications: keep}}
  drift: {{mode: report, interval: {drift}}}
"""
APPLICATION = """apiVersion: sluice.dev/v1
kind: Application
metadata: {{name: {name}}}
spec:
  health: {{timeout: {timeout}}}
"""
IMAGE = "registry.example/bench/app"


@dataclass
class Cost:
    """What one run of a program took."""

    seconds: float = 0.0
    cpu: float = 0.0  # of the program and what it started
    system: float = 0.0  # of these, in the kernel
    rss: float = 0.0  # MiB, at its peak
    threads: int = 0  # at most
    code: int = 0
    metrics: dict = field(default_factory=dict)

    @property
    def git_calls(self):
        return self.metrics.get("gitCalls", 0)

    def requests(self, *verbs):
        return sum(self.metrics.get("requests", {}).get(verb, 0) for verb in verbs)


def cpu_of(process):
    """CPU seconds of a process and its ended children."""
    with open(f"/proc/{process}/stat") as stat:
        fields = stat.read().rpartition(") ")[2].split()
    return sum(int(fields[i]) for i in (11, 12, 13, 14)) / os.sysconf("SC_CLK_TCK")


def status_of(process):
    """A number a key: sizes in KiB, threads."""
    with open(f"/proc/{process}/status") as status:
        pairs = (line.split() for line in status)
        return {words[0][:-1]: int(words[1]) for words in pairs if len(words) > 1 and words[1].isdigit()}


def measured(arguments, environment, log=None):
    """Runs a program to its end. The peak of memory is its own, not that of what it starts."""
    cost = Cost()
    done = threading.Event()

    def watch(process):
        while not done.wait(0.05):
            try:
                status = status_of(process)
            except OSError:
                return
            cost.rss = max(cost.rss, status.get("VmHWM", 0) / 1024)
            cost.threads = max(cost.threads, status.get("Threads", 0))

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    with open(log or os.devnull, "a") as output:
        process = subprocess.Popen(arguments, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        watcher = threading.Thread(target=watch, args=(process.pid,))
        watcher.start()
        cost.code = process.wait()
    cost.seconds = time.monotonic() - start
    done.set()
    watcher.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cost.system = after.ru_stime - before.ru_stime
    cost.cpu = after.ru_utime - before.ru_utime + cost.system
    return cost


class Lab:
    """Made new for each measurement: nothing is warm but the plane."""

    def __init__(self, plane, sluice, drift="1h"):
        self.plane, self.sluice = plane, os.path.abspath(sluice)
        self.directory = tempfile.mkdtemp(prefix="sluice-bench-")
        os.makedirs(self.path("home"))
        self.environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": self.path("home")}
        self.namespace = f"b{random.SystemRandom().randrange(16**8):08x}"
        self.repo = Repo(self.directory, self.path("home"))
        os.unlink(os.path.join(self.repo.origin, "hooks", "post-receive"))  # what it notes costs processes
        plane.make_namespace(self.namespace)
        self.files = {"sluice.yaml": PIPELINE.format(name=self.namespace),
                      "environments/dev/environment.yaml": ENVIRONMENT.format(namespace=self.namespace, drift=drift)}
        self.set_url(self.repo.origin)
        self.daemon = None

    def path(self, name):
        return os.path.join(self.directory, name)

    def set_url(self, url):
        self.daemon_yaml = self.path("daemon.yaml")
        with open(self.daemon_yaml, "w") as file:
            file.write(DAEMON.format(url=url, kubeconfig=self.plane.file("kubeconfig"), data=self.path("data")))

    @property
    def http_url(self):
        return "http://{}:{}/origin.git".format(*self.repo.address)

    def close(self):
        self.stop()
        self.repo.close()
        self.plane.delete_namespace(self.namespace)
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- what Git declares
    def config_maps(self, count, files, name="maps"):
        """One unit of `count` ConfigMaps in `files` files. Returns their texts."""
        texts = {}
        for i in range(count):
            path = f"environments/dev/{name}/maps-{i % files}.yaml"
            text = texts.get(path, "")
            texts[path] = text + ("---\n" if text else "") + config_map(f"{name}-{i}", str(i))
        self.files.update(texts)
        self.files[f"environments/dev/{name}/app.yaml"] = APPLICATION.format(name=name, timeout="10m")
        return texts

    def workload(self, name, tag="good-1", timeout="10m"):
        """A unit of a Deployment and its Service."""
        at = f"environments/dev/{name}/"
        self.files.update({at + "app.yaml": APPLICATION.format(name=name, timeout=timeout),
                           at + "deployment.yaml": deployment(name, tag), at + "service.yaml": service(name)})

    def commit(self, subject="Change"):
        """Pushes all that was declared since the last time."""
        files, self.files = self.files, {}
        return self.repo.change(subject, files)

    # --- the engine
    def command(self, *arguments):
        return [self.sluice, "-c", self.daemon_yaml, *arguments]

    def sync(self, timeout="30m", expect=0, wrapper=()):
        metrics = self.path("metrics.json")
        cost = measured([*wrapper, *self.command("sync", "--timeout", timeout, "--metrics-file", metrics)],
                        self.environment, self.path("sync.log"))
        with open(metrics) as file:
            cost.metrics = json.load(file)
        if cost.code != expect:
            with open(self.path("sync.log")) as log:
                raise RuntimeError(f"sync ended with {cost.code}, not {expect}:\n{log.read()[-2000:]}")
        return cost

    def start(self):
        with open(self.path("run.log"), "a") as log:
            self.daemon = subprocess.Popen(self.command("run"), env=self.environment, stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log)
        return self.daemon.pid

    def poke(self):
        self.daemon.send_signal(signal.SIGUSR1)

    def stop(self):
        if self.daemon is None:
            return
        self.daemon.terminate()
        self.daemon.wait(60)
        self.daemon = None

    # --- what came of it
    def outcomes(self):
        """Unit -> outcome, by the deploy log."""
        found = {}
        for path, text in self.repo.tree("deployments").items():
            if path.startswith("dev/") and path.endswith(".json"):
                record = json.loads(text)
                found[path[4:-5]] = record.get("outcome") if record.get("phase") == "Idle" else record.get("phase")
        return found

    def image_of(self, name):
        found = self.plane.get(f"/apis/apps/v1/namespaces/{self.namespace}/deployments/{name}")
        return found and found["spec"]["template"]["spec"]["containers"][0]["image"]


def config_map(name, value):
    return (f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  labels: {{app: {name}}}\n"
            f"data:\n  value: \"{value}\"\n  mode: plain\n  greeting: |\n    a text of two lines\n    number {value}\n")


def deployment(name, tag):
    return (f"apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\n  labels: {{app: {name}}}\nspec:\n"
            f"  replicas: 1\n  selector:\n    matchLabels: {{app: {name}}}\n  template:\n    metadata:\n"
            f"      labels: {{app: {name}}}\n    spec:\n      containers:\n        - name: app\n          image: {IMAGE}:{tag}\n"
            f"          ports:\n            - {{containerPort: 8080}}\n          env:\n            - {{name: MODE, value: plain}}\n")


def service(name):
    return (f"apiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\nspec:\n  selector: {{app: {name}}}\n"
            f"  ports:\n    - {{port: 80, targetPort: 8080}}\n")
