"""Stands between one engine and the API server: counts what the engine writes, and plays faults on command.

A fault is what `play` is given; it holds for requests that `where` chooses, until `clear`:
  Delay(s)         the request reaches the server s seconds later, whether or not the engine still waits
  Answer(s, body)  the engine is answered this, and the server sees nothing
  Drop()           the server does it, and the engine never hears of it
  Hang()           the server sees nothing, and the engine hears nothing until the fault is cleared
`cut` and `restore` take away and give back the server as a whole.
"""

import http.client
import json
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field

WRITES = ("POST", "PUT", "PATCH", "DELETE")
HOP_BY_HOP = ("connection", "transfer-encoding", "content-length", "keep-alive")


@dataclass
class Request:
    method: str
    target: str  # path and query
    headers: list
    body: bytes = b""
    sent: float = 0.0  # when the server was given it, by time.time(); 0: never
    status: int = 0  # the server's answer; 0: none
    played: str = ""  # the fault that was played on it

    @property
    def path(self):
        return self.target.partition("?")[0]

    @property
    def is_dry_run(self):
        # Of a deletion it stands in the body.
        return "dryRun=All" in self.target or (self.method == "DELETE" and b'"dryRun"' in self.body)

    @property
    def is_write(self):
        return self.method in WRITES and not self.is_dry_run

    @property
    def has_landed(self):
        return self.is_write and 200 <= self.status < 300


@dataclass
class Delay:
    seconds: float


@dataclass
class Answer:
    status: int
    body: str = ""
    headers: list = field(default_factory=list)


class Drop:
    pass


class Hang:
    pass


def refusal(code, reason):
    """A fault: the server's own way to say `code`."""
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
            "message": f"played: {reason}"}
    return Answer(code, json.dumps(body))


class ApiProxy:
    def __init__(self, plane):
        self.plane = plane
        self.lock = threading.Lock()
        self.requests = []  # of all kinds, in order of arrival
        self.fault = None  # (fault, where)
        self.changed = threading.Event()  # set when a fault is cleared
        self.is_cut = False
        self.clients = set()
        self.server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server_side.load_cert_chain(plane.file("apiserver.crt"), plane.file("apiserver.key"))
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.address = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    # --- commands
    def play(self, fault, where=lambda request: request.is_write):
        with self.lock:
            self.fault = (fault, where)
            self.changed = threading.Event()

    def clear(self):
        with self.lock:
            self.fault = None
            self.changed.set()

    def cut(self):
        with self.lock:
            self.is_cut = True
            clients = list(self.clients)
        for client in clients:
            close(client)

    def restore(self):
        with self.lock:
            self.is_cut = False

    # --- what was seen
    def seen(self):
        with self.lock:
            return list(self.requests)

    def writes(self):
        """What the server was given to write, oldest first."""
        return [r for r in self.seen() if r.is_write and r.sent]

    def landed(self, method=None):
        return [r for r in self.writes() if r.has_landed and method in (None, r.method)]

    # --- the work
    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, raw):
        upstream = self.plane.connection()
        client = raw
        try:
            raw.settimeout(120)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client = self.server_side.wrap_socket(raw, server_side=True)
            with self.lock:
                if self.is_cut:
                    return
                self.clients.add(client)
            reader = client.makefile("rb")
            while self._one(client, reader, upstream):
                pass
        except (OSError, ValueError, http.client.HTTPException):
            pass  # one of the two went away
        finally:
            with self.lock:
                self.clients.discard(client)
            close(client)
            upstream.close()

    def _one(self, client, reader, upstream):
        """One request and its answer; false when the connection is to end."""
        request = read_request(client, reader)
        if request is None:
            return False
        with self.lock:
            self.requests.append(request)
            fault, where = self.fault or (None, None)
            changed = self.changed
        if fault is not None and where(request):
            request.played = type(fault).__name__
            if isinstance(fault, Answer):
                client.sendall(answer_bytes(fault.status, fault.headers, fault.body.encode()))
                return True
            if isinstance(fault, Hang):
                changed.wait(600)
                return False
            if isinstance(fault, Delay):
                changed.wait(fault.seconds)
        status, headers, body = self._forward(request, upstream)
        if isinstance(fault, Drop) and request.played:
            return False
        client.sendall(answer_bytes(status, headers, body))
        return True

    def _forward(self, request, upstream):
        headers = {name: value for name, value in request.headers if name.lower() not in HOP_BY_HOP}
        for attempt in (1, 2):
            try:
                request.sent = time.time()
                upstream.request(request.method, request.target, request.body or None, headers)
                response = upstream.getresponse()
                break
            except (OSError, http.client.HTTPException):
                # A connection that the server ended while it was idle; nothing of this request was processed.
                upstream.close()
                if attempt == 2:
                    raise
        body = response.read()
        request.status = response.status
        kept = [(n, v) for n, v in response.getheaders() if n.lower() not in HOP_BY_HOP]
        return response.status, kept, body


def read_request(client, reader):
    line = reader.readline(65536)
    if not line:
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers = []
    while True:
        line = reader.readline(65536).decode("latin-1").rstrip("\r\n")
        if not line:
            break
        name, _, value = line.partition(":")
        headers.append((name, value.strip()))
    known = {name.lower(): value for name, value in headers}
    if known.pop("expect", "").lower() == "100-continue":
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        headers = [(n, v) for n, v in headers if n.lower() != "expect"]
    body = reader.read(int(known.get("content-length", 0)))
    return Request(method, target, headers, body)


def answer_bytes(status, headers, body):
    given = dict(headers)
    given.setdefault("Content-Type", "application/json")
    given["Content-Length"] = str(len(body))
    lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, 'Played')}"]
    lines += [f"{name}: {value}" for name, value in given.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def close(connection):
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    try:
        connection.close()
    except OSError:
        pass
