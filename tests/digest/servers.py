"""Servers on the loopback for tests of what goes out: a scripted web server and a mail server."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Request:
    """What came in: the first line, the headers in lower case, the body."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Web:
    """A web server that answers with `answers` in turn, the last one again and again.

    An answer is the bytes of it, or a function that is handed the connection.
    """

    answers: list[bytes | Callable[[socket.socket], None]]
    requests: list[Request] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


def answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    """An answer in HTTP."""
    lines = [f"HTTP/1.1 {status} Word", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextmanager
def web_server(*answers: bytes | Callable[[socket.socket], None]) -> Iterator[Web]:
    """A web server for as long as the block lasts."""
    web = Web(list(answers))

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            line = self.rfile.readline().decode().strip()
            headers = {}
            while header := self.rfile.readline().decode().strip():
                name, _, value = header.partition(":")
                headers[name.lower()] = value.strip()
            length = int(headers.get("content-length", 0))
            body = self.rfile.read(length)
            if not line or len(body) < length:
                return  # whoever asked was killed in the middle: no server takes half a request
            web.requests.append(Request(line, headers, body))
            scripted = web.answers.pop(0) if len(web.answers) > 1 else web.answers[0]
            with suppress(OSError):  # the client has gone, as it should have
                if callable(scripted):
                    scripted(self.connection)
                else:
                    self.wfile.write(scripted)

    with served(Handler) as port:
        web.port = port
        yield web


@dataclass
class Post:
    """A mail server's memory: what it took, for whom; and how it is to behave."""

    refused: dict[str, str] = field(default_factory=dict)  # address → "550 no such person"
    dies_after_data_for: set[str] = field(default_factory=set)
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    def for_(self, address: str) -> list[bytes]:
        return [message for recipient, message in self.taken if recipient == address]


@contextmanager
def mail_server(**behaviour) -> Iterator[Post]:
    """A mail server for as long as the block lasts."""
    post = Post(**behaviour)

    class Handler(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            post.connections += 1
            recipient = ""
            self.say("220 mail.test")
            while line := self.rfile.readline().decode().strip():
                verb = line.split()[0].upper()
                if verb == "RCPT":
                    recipient = line.partition("<")[2].partition(">")[0]
                    self.say(post.refused.get(recipient, "250 fine"))
                elif verb == "DATA":
                    self.say("354 go on")
                    message = b""
                    while (row := self.rfile.readline()) != b".\r\n":
                        message += row.removeprefix(b".") if row.startswith(b"..") else row
                    post.taken.append((recipient, message))
                    if recipient in post.dies_after_data_for:
                        return  # it has the message and nobody hears of it
                    self.say("250 taken")
                elif verb == "QUIT":
                    return self.say("221 bye")
                else:
                    self.say("250 fine")

    with served(Handler) as port:
        post.port = port
        yield post


@contextmanager
def served(handler: type[socketserver.BaseRequestHandler]) -> Iterator[int]:
    """A server on a port of its own, with a thread for each connection."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler, bind_and_activate=True)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def listener(host: str = "127.0.0.1") -> Iterator[tuple[int, Callable[[], bool]]]:
    """A port that nobody may connect to, and whether somebody has."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        server.setblocking(False)

        def was_reached() -> bool:
            # The kernel completes a connection before anybody accepts it: none is missed here.
            try:
                server.accept()[0].close()
            except BlockingIOError:
                return False
            return True

        yield server.getsockname()[1], was_reached
