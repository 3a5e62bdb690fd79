"""The one way out over HTTP. Whoever names an address must not reach what only this machine can.

A name is looked up once and every address it has is checked; the connection then goes to one of
the very addresses that were checked, so that a name server which answers differently the second
time has nobody to answer to. Redirects are never followed: the answer to a POST that moved is
somebody's mistake, and following it would send a signed body to a stranger. Proxies that the
environment names are not used, as the check would then happen elsewhere.

`docs/decisions/0017` says why this is the standard library's client.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import ssl
import time
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

#: How much of an answer is read, in bytes. What comes after that is left where it is.
ANSWER_LIMIT = 1024 * 1024

# `is_global` alone is not enough: what it says differs between versions of Python, and it knows
# nothing of an IPv4 address that is wrapped in an IPv6 one.
_GLOBAL_V6 = ip_network("2000::/3")
_CLOSED = [
    ip_network(net)
    for net in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' own
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local; the metadata of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",  # Teredo and other wrappings
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
    )
]
_BLANK = re.compile(r"[\x00-\x20\x7f\\]")


class Refused(Exception):
    """An address that nothing is sent to, in a sentence that says why."""


class NoAnswer(Exception):
    """Nobody answered, or not in time, or not in HTTP: another try may do better."""


@dataclass(frozen=True)
class Target:
    """Where a URL leads. `host` is in ASCII and without brackets."""

    scheme: str
    host: str
    port: int
    path: str

    def __str__(self) -> str:
        """Scheme and host. Paths of webhooks are secrets and stay out of sentences and logs."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        is_usual = self.port == (443 if self.scheme == "https" else 80)
        return f"{self.scheme}://{host}" + ("" if is_usual else f":{self.port}")


@dataclass(frozen=True)
class Answer:
    """What came back. `is_whole` is False where the body was longer or slower than we wait for."""

    status: int
    body: bytes
    is_whole: bool = True
    location: str = ""


def target_of(url: str) -> Target:
    """Take a URL apart. Raises `Refused` for all but http(s) addresses without a password."""
    if _BLANK.search(url):
        raise Refused("an address cannot contain blanks, control characters or \\")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused("the address has a host or a port that cannot be read") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused("an address starts with http:// or https:// and names a host")
    if "@" in parts.netloc:
        raise Refused("an address cannot carry a user name or password")
    if port == 0:
        raise Refused("port 0 is no port")
    try:
        host = parts.hostname if ":" in parts.hostname else _ascii(parts.hostname)
    except UnicodeError:
        raise Refused(f"{parts.hostname!r} is no name of a host") from None
    if not f"{parts.path}{parts.query}".isascii():
        raise Refused("letters outside of ASCII in a path are written as %XX")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), path)


def _ascii(name: str) -> str:
    return name.encode("idna").decode().lower()


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet: nobody's own, nothing wrapped."""
    found: IPv4Address | IPv6Address = ip_address(address)
    if not found.is_global or found.is_multicast:
        return False
    if found.version == 6 and found not in _GLOBAL_V6:
        return False  # among them ::/96, ::ffff:0:0/96, 64:ff9b::/96 and what is not given out yet
    return not any(found in net for net in _CLOSED if net.version == found.version)


def is_allowed(target: Target) -> bool:
    """Whether the operator named this host in OUTGOING_ALLOW, with this port or without any."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    return not {host, f"{host}:{target.port}"}.isdisjoint(
        name.lower() for name in settings.OUTGOING_ALLOW
    )


def post(url: str, *, body: bytes, headers: dict[str, str], timeout: float) -> Answer:
    """Send a POST and read the answer, all within `timeout` seconds.

    The time the system takes to look a name up is bounded by the system (resolv.conf). Raises
    `Refused` (for good) or `NoAnswer` (for now). Once a status has come it counts, however the rest
    of the answer goes on: what the other side has taken must not be sent again for its chatter.
    """
    target = target_of(url)
    addresses = _checked(target)
    deadline = time.monotonic() + timeout
    connection = _Connection(target, addresses, deadline)
    ours = {"User-Agent": "Copydesk", "Connection": "close"}
    try:
        connection.request("POST", target.path, body=body, headers=ours | headers)
        with connection.getresponse() as response:
            content, is_whole = _read(response)
            location = response.headers.get("Location", "")
            return Answer(response.status, content, is_whole, location[:500])
    except TimeoutError:
        raise NoAnswer(f"{target} has not answered within {timeout:g} seconds") from None
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(f"{target} did not answer: {str(error) or type(error).__name__}") from None
    except ValueError as error:  # a header with a line break in it
        raise Refused(f"this cannot be sent to {target}: {error}") from None
    finally:
        connection.close()


def _checked(target: Target) -> list[tuple[Any, ...]]:
    """The addresses of a host as (family, socket address), looked up here and nowhere else."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NoAnswer(f"{target.host} cannot be found: {error}") from None
    if not found:
        raise NoAnswer(f"{target.host} has no address")
    if not is_allowed(target):
        for _family, _type, _protocol, _name, address in found:
            # One bad address among good ones is refused, too: it is how rebinding is prepared.
            if not is_public(str(address[0])):
                raise Refused(
                    f"{target.host} leads to {address[0]}, which is not on the open internet; "
                    f"only OUTGOING_ALLOW can open it"
                )
    return [(family, address) for family, _type, _protocol, _name, address in found]


def _read(response: http.client.HTTPResponse) -> tuple[bytes, bool]:
    """The body up to ANSWER_LIMIT, and whether that was all of it."""
    content = bytearray()
    try:
        while len(content) <= ANSWER_LIMIT:
            piece = response.read1(64 * 1024)
            if not piece:
                return bytes(content), not response.length
            content += piece
    except (OSError, ValueError, http.client.HTTPException):
        return bytes(content), False
    return bytes(content[:ANSWER_LIMIT]), False


class _Connection(http.client.HTTPConnection):
    """A connection to one of the addresses that were checked, under the name of the host."""

    def __init__(self, target: Target, addresses: list[tuple[Any, ...]], deadline: float):
        super().__init__(target.host, target.port)
        # http.client leaves the usual port out of the Host header where it is this one.
        self.default_port = 443 if target.scheme == "https" else 80
        self._target, self._addresses, self._deadline = target, addresses, deadline

    def connect(self) -> None:
        for tried, (family, address) in enumerate(self._addresses, start=1):
            plain = socket.socket(family, socket.SOCK_STREAM)
            try:
                plain.settimeout(_left(self._deadline))
                plain.connect(address)
                break
            except TimeoutError:
                plain.close()
                raise
            except OSError:
                plain.close()
                if tried == len(self._addresses):
                    raise
        if self._target.scheme == "https":
            try:
                plain.settimeout(_left(self._deadline))
                # The certificate must be the name's, though we connect to a number.
                context = ssl.create_default_context()
                plain = context.wrap_socket(plain, server_hostname=self._target.host)
            except BaseException:
                plain.close()
                raise
        self.sock = _Timed(plain, self._deadline)


class _Timed:
    """A socket whose waits all end at one deadline: a byte a second does not keep us for good."""

    def __init__(self, plain: socket.socket, deadline: float):
        self._socket, self._deadline = plain, deadline

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._socket.settimeout(_left(self._deadline))
            view = view[self._socket.send(view) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._socket, self._deadline))

    def close(self) -> None:
        self._socket.close()


class _TimedReader(io.RawIOBase):
    def __init__(self, plain: socket.socket, deadline: float):
        self._socket, self._deadline = plain, deadline
        self._raw = plain.makefile("rb", buffering=0)  # keeps the socket open while it is read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(_left(self._deadline))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _left(deadline: float) -> float:
    """Seconds until the deadline. Raises TimeoutError once it has passed."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
