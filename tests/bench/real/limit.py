"""What the API server takes, from the least a client could do: a plain loop of the same requests over connections that stay open.

Nothing is planned, read, compared or judged. Requests are bytes made before the clock starts.
"""

import queue
import socket
import threading
import time

CONCURRENCY = 64  # as many as the engine's HTTP client has in flight
QUERY = "fieldManager=limit&force=false&fieldValidation=Strict"


class Link:
    """One connection; reads answers no further than it has to."""

    def __init__(self, plane):
        raw = socket.create_connection(("127.0.0.1", plane.port), timeout=300)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = plane.plain.wrap_socket(raw, server_hostname="127.0.0.1")
        self.rest = b""

    def send(self, request):
        """The status of the answer."""
        self.socket.sendall(request)
        data = self._until(b"\r\n\r\n")
        head, _, body = data.partition(b"\r\n\r\n")
        lower = head.lower()
        if b"transfer-encoding: chunked" in lower:
            while not (body.endswith(b"0\r\n\r\n")):
                body += self._more()
        else:
            at = lower.index(b"content-length:") + len(b"content-length:")
            length = int(lower[at:lower.find(b"\r\n", at) if b"\r\n" in lower[at:] else None])
            while len(body) < length:
                body += self._more()
        return int(head[9:12])

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionResetError("the API server closed the connection")
        return data

    def _until(self, mark):
        data = b""
        while mark not in data:
            data += self._more()
        return data


def apply_request(plane, path, body, dry_run):
    query = QUERY + ("&dryRun=All" if dry_run else "")
    data = body.encode()
    return (f"PATCH {path}?{query} HTTP/1.1\r\nHost: 127.0.0.1:{plane.port}\r\nAuthorization: Bearer {plane.token}\r\n"
            f"Accept: application/json\r\nContent-Type: application/apply-patch+yaml\r\nContent-Length: {len(data)}\r\n\r\n"
            ).encode() + data


class Rounds:
    """What is left to send, and how often it had to be sent again."""

    def __init__(self, requests):
        self.work = queue.SimpleQueue()
        for request in requests:
            self.work.put(request)
        self.again = 0
        self.refused = []

    def serve(self, plane):
        """One connection until nothing is left. An overloaded server answers 429 or 504, or hangs up: asked again."""
        link = None
        while True:
            try:
                request = self.work.get_nowait()
            except queue.Empty:
                return
            try:
                link = link or Link(plane)
                status = link.send(request)
            except OSError:
                status, link = 503, None
            if status in (429, 503, 504):
                self.again += 1
                self.work.put(request)
            elif status not in (200, 201):
                self.refused.append(status)


def send_all(plane, requests):
    rounds = Rounds(requests)
    threads = [threading.Thread(target=rounds.serve, args=(plane,)) for _ in range(min(CONCURRENCY, len(requests)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if rounds.refused:
        raise RuntimeError(f"the plain loop was answered {sorted(set(rounds.refused))}")
    return rounds.again


def plain_loop(plane, objects):
    """(seconds, CPU seconds) of dry run once and apply of [(path, YAML)]."""
    rounds = [[apply_request(plane, path, text, dry_run) for path, text in objects] for dry_run in (True, False)]
    start, cpu = time.monotonic(), time.process_time()
    for requests in rounds:
        send_all(plane, requests)
    return time.monotonic() - start, time.process_time() - cpu
