"""Stands between one engine and the Git server, below HTTP: cuts the line, or makes it slow, on command."""

import socket
import threading
import time

CHUNK = 65536


class GitProxy:
    def __init__(self, server):
        self.server = server  # (host, port)
        self.lock = threading.Lock()
        self.is_cut = False
        self.pause = 0.0  # seconds before each piece of an answer
        self.piece = CHUNK  # bytes at most in a piece
        self.open = set()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        with self.lock:
            self.is_cut = True
            held = list(self.open)
        for end in held:
            shut(end)

    def restore(self):
        with self.lock:
            self.is_cut = False

    def slow(self, pause, piece=CHUNK):
        self.pause, self.piece = pause, piece

    def fast(self):
        self.pause, self.piece = 0.0, CHUNK

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                is_cut = self.is_cut
            if is_cut:
                shut(client)
                continue
            try:
                server = socket.create_connection(self.server)
            except OSError:
                shut(client)
                continue
            with self.lock:
                self.open |= {client, server}
            threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _pump(self, source, sink, is_answer):
        try:
            while True:
                data = source.recv(self.piece if is_answer else CHUNK)
                if not data:
                    break
                if is_answer and self.pause:
                    time.sleep(self.pause)
                sink.sendall(data)
        except OSError:
            pass
        finally:
            with self.lock:
                self.open -= {source, sink}
            shut(source)
            shut(sink)


def shut(end):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()
