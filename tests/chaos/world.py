"""One world: namespaces of its own on the plane, a config repo, units from dev to prod, and one or two engines.

Manifests are written as JSON, so that what Git declares can be compared with live without any code of sluice.
"""

import json
import os
import random
import re
import shutil
import tempfile

import checks
from engine import Engine
from poll import Late, until
from repo import Repo

ENVIRONMENTS = ("dev", "staging", "prod")
IMAGE = "registry.example/shop/{}"
BAD = "http500"  # becomes ready, and the smoke test says no: a verdict however slow this machine is
PATHS = {"Deployment": "/apis/apps/v1/namespaces/{}/deployments", "Service": "/api/v1/namespaces/{}/services",
         "ConfigMap": "/api/v1/namespaces/{}/configmaps"}
ENVIRONMENT = """apiVersion: sluice.dev/v1
kind: Environment
metadata: {{name: {name}}}
spec:
  targets:
    - {{name: main, kubernetes: {{context: {name}, namespace: {namespace}}}}}
  promotion: {{mode: auto, soak: 0s}}
  prune: {{maxCount: 1000, maxPercent: 100, removedApplications: delete}}
  drift: {{mode: report, interval: 5s}}
"""
APPLICATION = """apiVersion: sluice.dev/v1
kind: Application
metadata: {{name: {name}}}
spec:
  health: {{timeout: {timeout}s}}
  smokeTests:
    - {{name: up, http: {{url: "{front}/healthz", status: 200}}, timeout: 10s, retries: 3, interval: 300ms}}
"""
RELEASE = """apiVersion: sluice.dev/v1
kind: Release
metadata: {{name: {name}}}
spec:
  version: "{tag}"
  images:
    - {{name: {image}, tag: {tag}}}
"""


class Failed(Exception):
    """What the world is about did not come true."""


class Skipped(Exception):
    """This machine cannot play the fault."""


class World:
    def __init__(self, plane, name, options):
        self.plane, self.sluice, self.name, self.is_long = plane, os.path.abspath(options.sluice), name, options.long
        self.random = random.Random(f"{options.seed} {name}")
        self.directory = tempfile.mkdtemp(prefix=name + "-", dir=options.base)
        os.makedirs(os.path.join(self.directory, "home"))
        # Unique among worlds that share a plane, now and later.
        self.prefix = f"c{random.SystemRandom().randrange(16**8):08x}"
        self.environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": os.path.join(self.directory, "home")}
        for key in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"):
            if key in os.environ:
                self.environment[key] = os.environ[key]
        self.repo = Repo(self.directory, self.environment["HOME"])
        for environment in ENVIRONMENTS:
            plane.make_namespace(self.namespace(environment))
        self.engines = []
        self.expected_failures = set()  # (unit, tag): bad content that must have its verdict
        self.overtaken = set()  # (unit, tag): newer content comes around its verdict, so that it may not be reverted
        self.cleanups = []
        self.kept = set()  # (environment, kind, name): live on purpose, although not declared

    def namespace(self, environment):
        return f"{self.prefix}-{environment}"

    def engine(self, name):
        made = Engine(self, name)
        self.engines.append(made)
        return made

    def say(self, text):
        print(f"   {self.name}: {text}", flush=True)

    def require(self, condition, text):
        if not condition:
            raise Failed(text)

    def close(self, keep):
        for engine in self.engines:
            if engine.is_running:
                engine.wake()
                engine.kill()
        self.repo.close()
        for cleanup in self.cleanups:
            cleanup()
        for environment in ENVIRONMENTS:
            self.plane.delete_namespace(self.namespace(environment))
        if not keep:
            shutil.rmtree(self.directory, ignore_errors=True)

    # --- what Git declares
    def pipeline(self):
        names = ", ".join(ENVIRONMENTS)
        files = {"sluice.yaml": "apiVersion: sluice.dev/v1\nkind: Pipeline\nmetadata: {name: " + self.prefix
                                + "}\nspec:\n  environments: [" + names + "]\n"}
        for name in ENVIRONMENTS:
            text = ENVIRONMENT.format(name=name, namespace=self.namespace(name))
            files[f"environments/{name}/environment.yaml"] = text
        return files

    def application(self, name, environment, timeout):
        front = f"{self.plane.front}/{environment}/{self.namespace(environment)}/{name}"
        return {f"environments/{environment}/{name}/app.yaml": APPLICATION.format(name=name, timeout=timeout, front=front)}

    def app(self, name, tag="good-1", value="1", timeout=600, maps=0, environments=ENVIRONMENTS):
        """The files of an application: a Deployment, its Service and settings, and `maps` more ConfigMaps."""
        files = {}
        labels = {"app": name}
        container = {"name": name, "image": IMAGE.format(name) + ":unreleased", "env": [{"name": "VALUE", "value": value}]}
        deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels},
                      "spec": {"replicas": 1, "selector": {"matchLabels": labels},
                               "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}}}}
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
                   "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]}}
        for environment in environments:
            at = f"environments/{environment}/{name}/"
            files.update(self.application(name, environment, timeout))
            files[at + "release.yaml"] = RELEASE.format(name=name, image=IMAGE.format(name), tag=tag)
            files[at + "deployment.json"] = json.dumps(deployment, indent=1)
            files[at + "service.json"] = json.dumps(service, indent=1)
            files.update(self.settings(name, value, environments=[environment], maps=maps))
        return files

    @staticmethod
    def settings(name, value, environments=("dev",), maps=0):
        files = {}
        for environment in environments:
            for map_name in [f"{name}-settings"] + [f"{name}-{i}" for i in range(maps)]:
                files[f"environments/{environment}/{name}/{map_name}.json"] = json.dumps(
                    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": map_name},
                     "data": {"value": value, f"only-{value}": ""}})
        return files

    @staticmethod
    def release(name, tag, environment="dev"):
        path = f"environments/{environment}/{name}/release.yaml"
        return {path: RELEASE.format(name=name, image=IMAGE.format(name), tag=tag)}

    def expect_failure(self, unit, tag):
        self.expected_failures.add((unit, tag))

    def units(self):
        found = re.findall(r"^environments/([\w-]+)/([\w-]+)/app\.yaml$", "\n".join(self.repo.files("environments")),
                           re.MULTILINE)
        return [f"{environment}/{name}" for environment, name in found]

    def tag(self, unit):
        text = self.repo.show(f"environments/{unit}/release.yaml") or ""
        found = re.search(r"tag: \"?([\w.-]+)", text)
        return found.group(1) if found else ""

    def declared(self, unit):
        """The objects of a unit as they are to be live, in its namespace."""
        tag = self.tag(unit)
        objects = []
        for path in self.repo.files(f"environments/{unit}"):
            if not path.endswith(".json"):
                continue
            item = json.loads(self.repo.show(path))
            if item["kind"] == "Deployment":
                for container in item["spec"]["template"]["spec"]["containers"]:
                    container["image"] = container["image"].rpartition(":")[0] + ":" + tag
            objects.append(item)
        return objects

    # --- what is live
    def live(self, environment, kind):
        """Name -> object, of what carries the mark of any unit."""
        path = PATHS[kind].format(self.namespace(environment))
        listed = self.plane.get(path + "?labelSelector=sluice.dev%2Funit")
        # A list leaves out what its items have in common.
        common = {"kind": kind, "apiVersion": listed["apiVersion"]}
        return {item["metadata"]["name"]: {**item, **common} for item in listed["items"]}

    def values(self, environment, name):
        """How many of an application's ConfigMaps hold each value."""
        found = {}
        for map_name, item in self.live(environment, "ConfigMap").items():
            if map_name.startswith(name + "-"):
                value = item.get("data", {}).get("value", "")
                found[value] = found.get(value, 0) + 1
        return found

    def live_tag(self, environment, name):
        found = self.plane.get(PATHS["Deployment"].format(self.namespace(environment)) + "/" + name)
        return "" if found is None else found["spec"]["template"]["spec"]["containers"][0]["image"].rpartition(":")[2]

    def make_ready(self, environment):
        """Plays the kubelet for pods of `unready-` images: from now on they are ready."""
        namespace = self.namespace(environment)
        for pod in self.plane.get(f"/api/v1/namespaces/{namespace}/pods")["items"]:
            images = [c["image"] for c in pod["spec"]["containers"]]
            if not any(":unready-" in image for image in images) or pod.get("status", {}).get("phase") != "Running":
                continue
            status = pod["status"]
            for condition in status["conditions"]:
                if condition["type"] in ("Ready", "ContainersReady"):
                    condition.update(status="True", reason="", message="")
            for container in status["containerStatuses"]:
                container["ready"] = True
            self.plane.request("PATCH", f"/api/v1/namespaces/{namespace}/pods/{pod['metadata']['name']}/status",
                               {"status": status}, "application/merge-patch+json")

    def succeeds_when_ready(self, name, tag):
        """A release of an `unready-` image, whose pods become ready from now on, goes from dev to prod."""
        def has_succeeded():
            for environment in ENVIRONMENTS:
                self.make_ready(environment)
                self.require(not self.has_outcome(f"{environment}/{name}", tag, "failed"), f"good {tag} failed in {environment}")
            return self.has_outcome(f"prod/{name}", tag, "succeeded")
        self.eventually(f"{tag} Succeeds in prod", has_succeeded, 400, f"dev/{name}")

    # --- waiting
    def outcomes(self, unit, tag):
        """The events about one release of a unit, oldest first."""
        return [e.kind for e in self.repo.events(unit) if re.search(rf"(^| ){re.escape(tag)}( |$)", e.trailers.get("Release", ""))]

    def has_outcome(self, unit, tag, outcome):
        return outcome in self.outcomes(unit, tag)

    def await_outcome(self, unit, tag, outcome, seconds=400):
        self.eventually(f"{unit} {outcome} with {tag}", lambda: self.has_outcome(unit, tag, outcome), seconds, unit)

    def eventually(self, what, condition, seconds=300, unit=None):
        """Waits for a condition; when it does not come, says how `unit` stands."""
        try:
            return until(what, condition, seconds, every=0.1)
        except Late as late:
            record = (self.repo.record(unit) if unit else None) or {}
            words = " ".join(str(record.get(k)) for k in ("phase", "outcome", "reason", "message"))
            raise Failed(f"{late}; {unit} stands at {words}" if unit else str(late)) from None

    def is_quiet(self):
        """Every unit has Succeeded with what the tip declares, and every promotion has arrived."""
        for unit in self.units():
            record = self.repo.record(unit)
            if not record or record.get("phase") != "Idle" or record.get("outcome") != "Succeeded" or record["kind"] == "removal":
                return False
            if record.get("release", {}).get("version") != self.tag(unit) or record.get("revertPending"):
                return False
        first = {unit.partition("/")[2]: self.tag(unit) for unit in reversed(self.units())}
        return all(self.tag(unit) == first[unit.partition("/")[2]] for unit in self.units())

    def settle(self, seconds=500):
        """Until nothing is left to do, and the engines have looked several times more and found nothing."""
        def stands_still():
            if not self.is_quiet() or checks.live_equals_git(self):
                return False
            before, polls = self.repo.tip("main"), self.repo.polls()
            until("further polls", lambda: self.repo.polls() >= polls + 3)
            return self.repo.tip("main") == before and self.is_quiet()
        try:
            until("all units settle", stands_still, seconds, every=0.3)
        except Late as late:
            standing = [f"{u} {r.get('phase')} {r.get('outcome')} {r.get('reason', '')} at {r.get('release', {}).get('version')}, "
                        f"declared {self.tag(u)}" for u in self.units() for r in [self.repo.record(u) or {}]]
            raise Failed(f"{late}\n" + "\n".join(standing)) from None

    def operator_yaml(self):
        """For commands that read: they go to the origin itself, by no proxy."""
        path = os.path.join(self.directory, "operator.yaml")
        with open(path, "w") as file:
            file.write("apiVersion: sluice.dev/v1\nkind: Daemon\nmetadata: {name: operator}\nspec:\n"
                       f"  repository: {{url: {self.repo.origin}}}\n  dataDir: {self.directory}/unused\n")
        return path
