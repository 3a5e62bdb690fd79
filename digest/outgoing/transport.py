"""How httpx connects: to the addresses that were checked, all within one deadline.

httpx bounds each wait by itself, so that a byte a second keeps it for good, and looks names up
where nobody checks what they lead to. Both are decided by the backend it is built on, and that may
be replaced in public: `httpcore.NetworkBackend` opens connections, `httpcore.NetworkStream` is one.

This module is imported where something is sent: httpx takes a tenth of a second to load.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore
import httpx

from digest.outgoing.addresses import Target, look_up


class CheckedTransport(httpx.BaseTransport):
    """Sends one request to one target, over a connection of its own."""

    def __init__(self, target: Target, deadline: float) -> None:
        # Without a context httpcore would trust certifi's certificates instead of the system's,
        # among which operators have put their own.
        context = ssl.create_default_context() if target.scheme == "https" else None
        self._target = target
        self._connection = httpcore.HTTPConnection(
            httpcore.Origin(target.scheme.encode(), target.host.encode(), target.port),
            ssl_context=context,
            network_backend=_CheckedBackend(target, deadline),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        target = self._target
        response = self._connection.handle_request(
            httpcore.Request(
                request.method,
                # As it was given: httpx would quote anew what somebody may have signed.
                httpcore.URL(
                    scheme=target.scheme.encode(),
                    host=target.host.encode(),
                    port=target.port,
                    target=target.path.encode(),
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_Body(response),
            extensions=response.extensions,
        )

    def close(self) -> None:
        self._connection.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._response.stream)

    def close(self) -> None:
        self._response.close()


class _CheckedBackend(httpcore.NetworkBackend):
    """Connects to the target and to nothing else, whatever host it is asked for."""

    def __init__(self, target: Target, deadline: float) -> None:
        self._target, self._deadline = target, deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        error: OSError | None = None
        for family, address in look_up(self._target):
            plain = socket.socket(family, socket.SOCK_STREAM)
            try:
                plain.settimeout(seconds_left(self._deadline))
                plain.connect(address)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return _TimedStream(plain, self._deadline)
            except TimeoutError:
                plain.close()
                raise
            except OSError as refused:
                plain.close()
                error = refused
            except BaseException:
                plain.close()
                raise
        raise httpcore.ConnectError(str(error)) from error


class _TimedStream(httpcore.NetworkStream):
    """A connection whose waits all end at one deadline, whatever time-out they are given."""

    def __init__(self, plain: socket.socket, deadline: float) -> None:
        self._socket, self._deadline = plain, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._socket.settimeout(seconds_left(self._deadline))
        try:
            return self._socket.recv(max_bytes)
        except TimeoutError:
            raise
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        view = memoryview(buffer)
        try:
            while view:
                self._socket.settimeout(seconds_left(self._deadline))
                view = view[self._socket.send(view) :]
        except TimeoutError:
            raise
        except OSError as error:
            # httpcore then reads on: whoever refuses a long body may have said why.
            raise httpcore.WriteError(str(error)) from error

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        try:
            self._socket.settimeout(seconds_left(self._deadline))
            # The certificate must be the name's, though we connected to a number.
            wrapped = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except TimeoutError:
            self.close()
            raise
        except OSError as error:
            self.close()
            raise httpcore.ConnectError(str(error)) from error
        except BaseException:
            self.close()
            raise
        return _TimedStream(wrapped, self._deadline)

    def close(self) -> None:
        self._socket.close()

    def get_extra_info(self, info: str) -> Any:
        if info == "ssl_object" and isinstance(self._socket, ssl.SSLSocket):
            return self._socket
        return None


def seconds_left(deadline: float) -> float:
    """Seconds until the deadline. Raises TimeoutError once it has passed."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
