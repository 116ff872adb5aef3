#!/usr/bin/env python3
"""Serves Git repositories over smart HTTP by `git http-backend`, for tests.

  git_http_server.py --root DIR --ready FILE [--port N] [--password-file FILE] [--tls-cert FILE --tls-key FILE]
                     [--mode-file FILE] [--log FILE]

Repositories are DIR/NAME.git at http://127.0.0.1:PORT/NAME.git. FILE of --ready gets the address once it serves. Ends
when its standard input ends. The password file holds "user:password" and is read at every request.
The mode file, read at every request, makes it misbehave; its words:
  ok                     the default
  status N               answers N to everything
  stall                  takes the request and never answers
  html                   answers 200 with a page
  v0                     hides the client's Git-Protocol header, as an old server would
  redirect URL           answers 302 to URL + path
  forbid-push            answers 403 to everything about git-receive-pack
  drop-push              closes the connection at the POST of a push, before git sees it
  die-after-push         lets git take the push, then closes the connection without an answer
  truncate               sends half of each answer's body
The log gets "METHOD PATH protocol=... authorization=yes|no" for each request.
"""
import argparse, base64, http.server, os, socket, ssl, subprocess, sys, threading, time

parser = argparse.ArgumentParser()
for name in ("root", "ready", "password-file", "tls-cert", "tls-key", "mode-file", "log"):
    parser.add_argument("--" + name)
parser.add_argument("--port", type=int, default=0)
options = parser.parse_args()
log_lock = threading.Lock()


def mode():
    try:
        with open(options.mode_file) as file:
            return file.read().split() or ["ok"]
    except (OSError, TypeError):
        return ["ok"]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 600

    def log_message(self, *_):
        pass

    def read_body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                body += self.rfile.read(size)
                self.rfile.readline()
                if size == 0:
                    return body
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def drop(self):
        self.close_connection = True
        if not isinstance(self.connection, ssl.SSLSocket):
            self.connection.shutdown(socket.SHUT_RDWR)

    def is_allowed(self):
        if not options.password_file:
            return True
        with open(options.password_file) as file:
            expected = "Basic " + base64.b64encode(file.read().strip().encode()).decode()
        return self.headers.get("Authorization") == expected

    def handle_request(self):
        if self.headers.get("Expect", "").lower() == "100-continue":
            pass  # the base class has answered it
        body = self.read_body()
        word = mode()
        protocol = self.headers.get("Git-Protocol", "")
        if options.log:
            with log_lock, open(options.log, "a") as file:
                has = "yes" if self.headers.get("Authorization") else "no"
                file.write(f"{self.command} {self.path} protocol={protocol} authorization={has}\n")
        is_push = "git-receive-pack" in self.path
        if word[0] == "status":
            return self.answer(int(word[1]), b"no\n")
        if word[0] == "stall":
            time.sleep(600)
        if word[0] == "html":
            return self.answer(200, b"<html>please log in</html>\n", [("Content-Type", "text/html")])
        if word[0] == "redirect":
            return self.answer(302, b"", [("Location", word[1] + self.path)])
        if not self.is_allowed():
            return self.answer(401, b"no\n", [("WWW-Authenticate", 'Basic realm="git"')])
        if word[0] == "forbid-push" and is_push:
            return self.answer(403, b"no\n")
        if word[0] == "drop-push" and is_push and self.command == "POST":
            return self.drop()
        path, _, query = self.path.partition("?")
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "GIT_PROJECT_ROOT": options.root,
            "GIT_HTTP_EXPORT_ALL": "1", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "HOME": "/nonexistent",
            "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command, "REMOTE_ADDR": "127.0.0.1",
            "REMOTE_USER": "tester", "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": "" if word[0] == "v0" else protocol,
        }
        result = subprocess.run(["git", "http-backend"], input=body, env=environment, stdout=subprocess.PIPE)
        if word[0] == "die-after-push" and is_push and self.command == "POST":
            return self.drop()
        head, _, content = result.stdout.partition(b"\r\n\r\n")
        status, headers = 200, []
        for line in head.decode("latin-1").split("\r\n"):
            name, _, value = line.partition(": ")
            if name.lower() == "status":
                status = int(value.split()[0])
            elif name:
                headers.append((name, value))
        if word[0] == "truncate":
            content = content[: len(content) // 2]
        self.answer(status, content, headers)

    do_GET = do_POST = handle_request


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass  # clients that go away


server = Server(("127.0.0.1", options.port), Handler)
scheme = "http"
if options.tls_cert:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.tls_cert, options.tls_key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "https"
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"{scheme}://127.0.0.1:{server.server_address[1]}"
if options.ready:
    with open(options.ready + ".tmp", "w") as file:
        file.write(address)
    os.rename(options.ready + ".tmp", options.ready)
print("ready", address, flush=True)
sys.stdin.read()
os._exit(0)
