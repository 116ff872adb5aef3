"""What is measured: each function is one line of the table, and returns its figures as rows."""

import os
import time
from dataclasses import asdict, dataclass

from lab import IMAGE, Lab, config_map, cpu_of, deployment, measured, status_of
from limit import plain_loop
from poll import until

CONFIG_MAPS = "/api/v1/namespaces/{}/configmaps/{}"


@dataclass
class Row:
    work: str
    size: int
    values: dict

    def plain(self):
        return asdict(self)


def figures(cost):
    return {"seconds": cost.seconds, "cpu": cost.cpu, "system": cost.system, "rss": cost.rss, "threads": cost.threads,
            "git": cost.git_calls, "reads": cost.requests("get", "list"), "dryruns": cost.requests("dryrun"),
            "writes": cost.requests("patch", "create", "delete")}


def best(costs):
    """The one that took least CPU: what else runs on the machine only adds."""
    return min(costs, key=lambda cost: cost.cpu)


class Bench:
    def __init__(self, plane, options):
        self.plane, self.sluice, self.kubectl, self.times = plane, options.sluice, options.kubectl, options.times

    def lab(self, **more):
        return Lab(self.plane, self.sluice, **more)

    # --- one unit of many objects
    def _maps_by_sluice(self, count):
        with self.lab() as lab:
            lab.config_maps(count, min(250, count))
            lab.commit()
            return lab.sync()

    def _maps_by_kubectl(self, count):
        """The same files, with the same account: a dry run on the server, then the apply."""
        with self.lab() as lab:
            texts = lab.config_maps(count, min(250, count))
            directory = lab.path("maps")
            os.makedirs(directory)
            for path, text in texts.items():
                with open(os.path.join(directory, os.path.basename(path)), "w") as file:
                    file.write(text)
            apply = [self.kubectl, "--kubeconfig", self.plane.file("kubeconfig"), "-n", lab.namespace, "apply", "-f", directory]
            dry, wet = (measured([*apply, *more], lab.environment) for more in (["--dry-run=server"], []))
            if dry.code or wet.code:
                raise RuntimeError("kubectl failed")
            return dry.seconds + wet.seconds, dry.cpu + wet.cpu

    def _maps_by_loop(self, count):
        with self.lab() as lab:
            names = [f"maps-{i}" for i in range(count)]
            return plain_loop(self.plane, [(CONFIG_MAPS.format(lab.namespace, name), config_map(name, str(i)))
                                           for i, name in enumerate(names)])

    def maps(self, count):
        """ConfigMaps in 250 files of one unit, cold, beside kubectl and a plain loop of the same requests."""
        sluice = best([self._maps_by_sluice(count) for _ in range(self.times)])
        loop = min(self._maps_by_loop(count) for _ in range(self.times))
        kubectl = min(self._maps_by_kubectl(count) for _ in range(self.times)) if self.kubectl else (0.0, 0.0)
        values = figures(sluice)
        values.update(loop=loop[0], loop_cpu=loop[1], kubectl=kubectl[0], kubectl_cpu=kubectl[1],
                      of_limit=loop[0] / sluice.seconds, times_kubectl=kubectl[0] / sluice.seconds)
        return Row("maps", count, values)

    # --- many units
    def units(self, count, tag="good-1"):
        """Units of a Deployment and its Service, cold."""
        def once():
            with self.lab() as lab:
                for i in range(count):
                    lab.workload(f"app-{i}", tag)
                lab.commit()
                return lab.sync()
        return Row("units", count, figures(best([once() for _ in range(self.times)])))

    def slow(self, count):
        """Units whose pods need 5 s to be ready (`slow-` of stages.yaml)."""
        row = self.units(count, "slow-1")
        return Row("slow", count, row.values)

    def _deployed(self, lab, count):
        for i in range(count):
            lab.workload(f"app-{i}")
        lab.commit()
        lab.sync()

    def quiet(self, count, seconds=20):
        """Nothing new, a poll a second: what the daemon costs a poll, with the repository at a path and over HTTP."""
        values = {}
        with self.lab() as lab:
            self._deployed(lab, count)
            for name, url in (("path", lab.repo.origin), ("http", lab.http_url)):
                lab.set_url(url)
                process = lab.start()
                time.sleep(5)  # it has begun
                polls, cpu = lab.repo.polls(), cpu_of(process)
                time.sleep(seconds)
                asked = lab.repo.polls() - polls if name == "http" else seconds
                values[f"{name}_ms"] = 1000 * (cpu_of(process) - cpu) / max(asked, 1)
                values[f"{name}_rss"] = status_of(process)["VmRSS"] / 1024
                lab.stop()
            again = best([lab.sync() for _ in range(3)])
            values.update(sync_seconds=again.seconds, sync_cpu=again.cpu)
        return Row("quiet", count, values)

    def one(self, count):
        """One file of one unit changes: from the end of the push until it is live, with the daemon woken, and by `sync`."""
        with self.lab() as lab:
            self._deployed(lab, count)
            process = lab.start()
            time.sleep(5)
            waits, cpu = [], cpu_of(process)
            for i in range(5):
                tag = f"next-{i}"
                lab.files[f"environments/dev/app-{i}/deployment.yaml"] = deployment(f"app-{i}", tag)
                lab.commit()
                start = time.monotonic()
                lab.poke()
                until("the change is live", lambda: lab.image_of(f"app-{i}") == f"{IMAGE}:{tag}", 120, every=0.005)
                waits.append(time.monotonic() - start)
                until("it is recorded", lambda: lab.repo.record(f"dev/app-{i}").get("phase") == "Idle", 120)
            cpu = (cpu_of(process) - cpu) / 5
            lab.stop()
            lab.files["environments/dev/app-7/deployment.yaml"] = deployment("app-7", "sync-1")
            lab.commit()
            values = figures(lab.sync())
            return Row("one", count, {"live": min(waits), "daemon_cpu": cpu, **{f"sync_{k}": v for k, v in values.items()}})

    def drift(self, count):
        """A drift check of every unit by the daemon: requests by the audit log of the plane."""
        with self.lab(drift="10s") as lab:
            self._deployed(lab, count)
            before = self._audit_size()
            process = lab.start()
            cpu = cpu_of(process)
            time.sleep(25)
            cpu = cpu_of(process) - cpu
            lab.stop()
            reads = self._reads(lab.namespace, before)
            # Each unit was due twice, or more often where the machine let it.
            return Row("drift", count, {"reads": sum(reads.values()), **reads, "cpu": cpu, "seconds": 25})

    def _audit_size(self):
        return os.path.getsize(self.plane.file("audit.log"))

    def _reads(self, namespace, since):
        found = {}
        with open(self.plane.file("audit.log")) as log:
            log.seek(since)
            for line in log:
                for verb in ("get", "list"):
                    if f'"verb":"{verb}"' in line and f"/namespaces/{namespace}/" in line:
                        found[verb] = found.get(verb, 0) + 1
        return found

    def hang(self, count=8):
        """Units whose images cannot be pulled, and one more whose commit comes then: how long until it is live."""
        with self.lab() as lab:
            lab.workload("other")
            lab.commit()
            lab.sync()
            lab.start()
            for i in range(count):
                lab.workload(f"hangs-{i}", "pullfail-1", timeout="5m")
            lab.commit()
            until("all hang", lambda: sum(lab.image_of(f"hangs-{i}") is not None for i in range(count)) == count, 200)
            time.sleep(3)
            lab.workload("other", "next-1")
            lab.commit()
            start = time.monotonic()
            lab.poke()
            until("the other is live", lambda: lab.image_of("other") == f"{IMAGE}:next-1", 400, every=0.01)
            live = time.monotonic() - start
            until("the other is recorded", lambda: lab.repo.record("dev/other").get("phase") == "Idle", 400)
            return Row("hang", count, {"live": live, "succeeded": time.monotonic() - start})
