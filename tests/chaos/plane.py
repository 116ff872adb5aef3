"""The control plane of tests/real/kubernetes/controlplane.sh, as its administrator."""

import http.client
import json
import os
import re
import ssl
import threading

BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings"


class Plane:
    def __init__(self, directory):
        self.directory = os.path.abspath(directory)
        with open(self.file("admin.kubeconfig")) as text:
            self.port = int(re.search(r'server: "https://127\.0\.0\.1:(\d+)"', text.read()).group(1))
        with open(self.file("kubeconfig")) as text:
            self.token = re.search(r"token: ([\w.-]+)", text.read()).group(1)
        with open(self.file("http")) as text:
            self.front = text.read().strip()
        self.admin = ssl.create_default_context(cafile=self.file("ca.crt"))
        self.admin.load_cert_chain(self.file("admin.crt"), self.file("admin.key"))
        self.plain = ssl.create_default_context(cafile=self.file("ca.crt"))
        self.local = threading.local()

    def file(self, name):
        return os.path.join(self.directory, name)

    def connection(self):
        """To the API server, without credentials."""
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=120, context=self.plain)

    def request(self, method, path, body=None, content_type="application/json"):
        """(status, parsed answer), as the administrator."""
        for attempt in (1, 2):
            link = getattr(self.local, "link", None)
            if link is None:
                link = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=self.admin)
                self.local.link = link
            try:
                link.request(method, path, None if body is None else json.dumps(body), {"Content-Type": content_type})
                response = link.getresponse()
                return response.status, json.loads(response.read() or b"null")
            except (OSError, http.client.HTTPException):
                link.close()
                self.local.link = None
                if attempt == 2:
                    raise

    def get(self, path):
        """The object, or None where there is none."""
        status, answer = self.request("GET", path)
        if status == 404:
            return None
        if status != 200:
            raise RuntimeError(f"GET {path}: {status} {answer}")
        return answer

    def make_namespace(self, name):
        """A namespace in which the engine may do what examples/rbac/ gives it, and no more."""
        self._create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        self._create(BINDINGS.format(name), {
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "sluice"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "sluice-deployer"},
            "subjects": [{"kind": "ServiceAccount", "name": "sluice", "namespace": "sluice"}]})

    def _create(self, path, body):
        status, answer = self.request("POST", path, body)
        if status != 201:
            raise RuntimeError(f"POST {path}: {status} {answer}")

    def delete_namespace(self, name):
        self.request("DELETE", f"/api/v1/namespaces/{name}")
