"""Answers HTTP as the workloads of the testbed would, for kwok runs no containers.

GET /<context>/<namespace>/<service>/<path>: the pods behind the Service, as the API server tells them, decide.
  no such Service                     404
  no ready pod behind it              503
  a ready pod whose image tag begins
  with http500-                       500
  otherwise                           200 {"service", "image", "tag", "pod", "path"}
Requests go round the ready pods. The same rules as `sluice sandbox`'s front.
"""

import argparse
import http.client
import http.server
import itertools
import json
import ssl
import threading
import urllib.parse


class Api:
    """GETs JSON from the API server; one connection per thread."""

    def __init__(self, url, ca, cert, key):
        self._host = urllib.parse.urlsplit(url).netloc
        self._context = ssl.create_default_context(cafile=ca)
        self._context.load_cert_chain(cert, key)
        self._local = threading.local()

    def get(self, path):
        """The decoded body, or None for 404."""
        for attempt in range(2):
            connection = getattr(self._local, "connection", None)
            if connection is None:
                connection = http.client.HTTPSConnection(self._host, context=self._context, timeout=10)
                self._local.connection = connection
            try:
                connection.request("GET", path)
                response = connection.getresponse()
                body = response.read()
                break
            except (OSError, http.client.HTTPException):
                self._local.connection = None  # an idle connection may have been closed under us
                if attempt == 1:
                    raise
        if response.status == 404:
            return None
        if response.status != 200:
            raise OSError(f"GET {path}: {response.status}")
        return json.loads(body)


def is_ready(pod):
    if pod["metadata"].get("deletionTimestamp"):
        return False
    conditions = pod.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


class Front(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api = None
    turn = itertools.count()

    def log_message(self, format, *args):
        pass

    def answer(self, status, body):
        data = (json.dumps(body) + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def do_GET(self):
        parts = urllib.parse.urlsplit(self.path).path.split("/", 4)[1:]
        if parts in ([""], []):
            self.answer(200, {"front": "sluice testbed"})
            return
        if len(parts) < 3:
            self.answer(404, {"error": "expected /<context>/<namespace>/<service>/<path>"})
            return
        _, namespace, service = parts[:3]
        path = "/" + (parts[3] if len(parts) > 3 else "")
        try:
            self.answer(*self.decide(namespace, service, path))
        except OSError as error:
            self.answer(502, {"error": str(error)})

    do_HEAD = do_POST = do_GET

    def decide(self, namespace, service, path):
        quoted = urllib.parse.quote(namespace, safe="")
        found = self.api.get(f"/api/v1/namespaces/{quoted}/services/{urllib.parse.quote(service, safe='')}")
        if found is None:
            return 404, {"error": f"no Service {namespace}/{service}"}
        selector = found["spec"].get("selector") or {}
        wanted = urllib.parse.quote(",".join(f"{k}={v}" for k, v in selector.items()))
        pods = self.api.get(f"/api/v1/namespaces/{quoted}/pods?labelSelector={wanted}")["items"] if selector else []
        ready = sorted((p for p in pods if is_ready(p)), key=lambda p: p["metadata"]["name"])
        if not ready:
            return 503, {"error": f"no ready pod behind Service {namespace}/{service}"}
        pod = ready[next(self.turn) % len(ready)]
        image = pod["spec"]["containers"][0]["image"]
        name, _, tag = image.rpartition(":") if ":" in image.rsplit("/", 1)[-1] else (image, "", "")
        body = {"service": service, "image": image, "tag": tag, "pod": pod["metadata"]["name"], "path": path}
        if tag.startswith("http500-"):
            return 500, {**body, "error": "scripted by the image's tag"}
        return 200, {**body, "status": "ok"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--api", required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--cert", required=True)
    parser.add_argument("--key", required=True)
    args = parser.parse_args()
    Front.api = Api(args.api, args.ca, args.cert, args.key)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", args.port), Front)
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main()
