"""One engine of a world: `sluice run`, with proxies of its own before the API server and the Git server."""

import glob
import os
import signal
import subprocess

from api_proxy import ApiProxy
from git_proxy import GitProxy
from poll import until

DAEMON = """apiVersion: sluice.dev/v1
kind: Daemon
metadata: {{name: {name}}}
spec:
  repository: {{url: "{url}/origin.git", poll: 1s}}
  kubeconfig: {kubeconfig}
  dataDir: {data}
  identity: {{name: sluice, email: sluice@example.com}}
"""
KUBECONFIG = """apiVersion: v1
kind: Config
clusters: [{{name: plane, cluster: {{server: "{server}", certificate-authority: {ca}}}}}]
users: [{{name: sluice, user: {{token: {token}}}}}]
current-context: dev
contexts:
- {{name: dev, context: {{cluster: plane, user: sluice}}}}
- {{name: staging, context: {{cluster: plane, user: sluice}}}}
- {{name: prod, context: {{cluster: plane, user: sluice}}}}
"""


class Engine:
    def __init__(self, world, name):
        self.world, self.name = world, name
        self.data = os.path.join(world.directory, f"data-{name}")
        self.api = ApiProxy(world.plane)
        self.git = GitProxy(world.repo.address)
        self.log_file = os.path.join(world.directory, f"{name}.log")
        self.process = None
        self.endings = []  # exit codes that nobody asked for
        self.kills = 0
        kubeconfig = self._write("kubeconfig", KUBECONFIG.format(
            server=self.api.address, ca=world.plane.file("ca.crt"), token=world.plane.token))
        self.daemon_yaml = self._write("daemon.yaml", DAEMON.format(
            name=name, url=self.git.address, kubeconfig=kubeconfig, data=self.data))

    def _write(self, what, text):
        path = os.path.join(self.world.directory, f"{self.name}-{what}")
        with open(path, "w") as file:
            file.write(text)
        return path

    @property
    def id(self):
        for path in [os.path.join(self.data, "engine-id"), *glob.glob(os.path.join(self.data, "*", "engine-id"))]:
            if os.path.exists(path):
                with open(path) as file:
                    return file.read().strip()
        return ""

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def log(self):
        if not os.path.exists(self.log_file):
            return ""
        with open(self.log_file, errors="replace") as file:
            return file.read()

    def start(self):
        with open(self.log_file, "a") as log:
            self.process = subprocess.Popen([self.world.sluice, "-c", self.daemon_yaml, "run"], env=self.world.environment,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def kill(self):
        self.kills += 1
        self._end(signal.SIGKILL)

    def stop(self):
        """In good order: it hands the lease over."""
        self._end(signal.SIGTERM)

    def _end(self, number):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(90)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = "no end within 90 s of SIGTERM"
        if code not in (0, -number):  # -SIGTERM: it had not begun yet
            self.endings.append(code)
        self.process = None

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

        def is_stopped():
            with open(f"/proc/{self.process.pid}/stat") as stat:
                return stat.read().rpartition(") ")[2][0] == "T"
        until(f"{self.name} is stopped", is_stopped)

    def wake(self):
        self.process.send_signal(signal.SIGCONT)

    def recover(self):
        """Everything around it works again."""
        self.api.restore()
        self.api.clear()
        self.git.restore()
        self.git.fast()
        self.wake()
