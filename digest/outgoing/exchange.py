"""Asking and answering: one POST, or a GET with the redirects it meets."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from urllib.parse import quote, urljoin

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from digest.outgoing.addresses import NoAnswer, Refused, Target, target_of

#: How much of an answer is read where nothing else is said, in bytes. The rest is left where it is.
ANSWER_LIMIT = 1024 * 1024

_MOVED = {301, 302, 303, 307, 308}
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
#: What proves who asks, and is for the one who was asked.
_PRIVATE = {"authorization", "cookie", "proxy-authorization"}
# Of 64 KiB that came in, gzip can make 64 MiB: it is let out in pieces and counted.
_PIECE = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """What came back.

    `flaw` says why the body is not whole and is empty where it is. Names of `headers` are in lower
    case. `url` is the address that answered, after all redirects; `moved` the one that permanent
    redirects say to ask in future, empty if they say nothing.
    """

    status: int
    body: bytes
    flaw: str = ""
    location: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    moved: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether all of the body came."""
        return not self.flaw


def post(
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    timeout: float,
    limit: int = ANSWER_LIMIT,
) -> Answer:
    """Send a POST and read up to `limit` bytes of the answer, all within `timeout` seconds.

    The time the system takes to look a name up is bounded by the system (resolv.conf). Raises
    `Refused` (for good) or `NoAnswer` (for now). Once a status has come it counts, however the rest
    of the answer goes on: what the other side has taken must not be sent again for its chatter.
    """
    deadline = time.monotonic() + timeout
    return _Exchange(target_of(url), deadline, timeout, limit).ask(
        "POST", url, {"Accept-Encoding": "identity"} | dict(headers), body
    )


def get(
    url: str,
    *,
    headers: Mapping[str, str],
    timeout: float,
    limit: int,
    redirects: int = 5,
) -> Answer:
    """Fetch what is at an address, following up to `redirects`, all within `timeout` seconds.

    `limit` is in bytes of what the body unpacks to; what comes after them is left, and `flaw` of
    the answer says so. Every redirect is checked like the address itself; none may lead from https
    to http, where anybody on the way could put other words into it. What proves who asks is not
    sent on to another host. Raises `Refused` (for good) or `NoAnswer` (for now).
    """
    deadline = time.monotonic() + timeout
    sent = {"Accept-Encoding": "gzip"} | dict(headers)
    url, moved, is_for_good = in_ascii(url), "", True
    target = target_of(url)
    for _hop in range(redirects + 1):
        answer = _Exchange(target, deadline, timeout, limit).ask("GET", url, sent)
        location = answer.headers.get("location", "")
        if answer.status not in _MOVED or not location:
            return Answer(
                answer.status,
                answer.body,
                answer.flaw,
                answer.location,
                answer.headers,
                url,
                moved,
            )
        before, url = target, in_ascii(_joined(url, location, target))
        target = target_of(url)
        if (before.scheme, target.scheme) == ("https", "http"):
            said = _("%(place)s sends on to %(target)s, which is not encrypted")
            raise Refused(said % {"place": before, "target": target})
        if (before.host, before.port) != (target.host, target.port):
            sent = {name: value for name, value in sent.items() if name.lower() not in _PRIVATE}
        is_for_good &= answer.status in (301, 308)
        moved = url if is_for_good else moved
    said = ngettext(
        "%(place)s and others send on more than once",
        "%(place)s and others send on more than %(count)d times",
        redirects,
    )
    raise NoAnswer(said % {"place": target, "count": redirects})


def in_ascii(url: str) -> str:
    """`url` with the letters outside of ASCII and the blanks in its path and query as %XX."""
    found = re.match(r"[^/?#]*//[^/?#]*", url.strip())
    if not found:
        return url
    rest = url.strip()[found.end() :]
    return found[0] + re.sub(r"[^\x00-\x7f]| ", lambda m: quote(m[0], errors="replace"), rest)


def _joined(url: str, location: str, target: Target) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        said = _("%(place)s sends on to an address that cannot be read")
        raise Refused(said % {"place": target}) from None


@dataclass
class _Exchange:
    """One request to one target and the answer to it."""

    target: Target
    deadline: float
    timeout: float
    limit: int

    def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        import httpcore
        import httpx

        from digest.outgoing.transport import CheckedTransport

        target = self.target
        raw = self._raw(headers)
        host = f"[{target.host}]" if ":" in target.host else target.host
        try:
            # Without httpx.Client: it would log the address, keep cookies, and make nothing of an
            # answer whose Location cannot be read.
            with CheckedTransport(target, self.deadline) as transport:
                request = httpx.Request(
                    method, f"{target.scheme}://{host}:{target.port}", headers=raw, content=body
                )
                with closing(transport.handle_request(request)) as response:
                    found = {name.lower(): value for name, value in response.headers.items()}
                    content, flaw = self._read(response.iter_raw(), found)
            location = found.get("location", "")[:500]
            return Answer(response.status_code, content, flaw, location, found, url)
        except (TimeoutError, httpcore.TimeoutException):
            said = _("%(place)s has not answered within %(seconds)s seconds")
            values = {"place": target, "seconds": f"{self.timeout:g}"}
            raise NoAnswer(said % values) from None
        except (httpcore.LocalProtocolError, httpx.InvalidURL) as error:
            said = _("this cannot be sent to %(place)s: %(error)s")
            raise Refused(said % {"place": target, "error": error}) from None
        except (
            OSError,
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpx.HTTPError,
        ) as error:
            values = {"place": target, "error": str(error) or type(error).__name__}
            raise NoAnswer(_("%(place)s did not answer: %(error)s") % values) from None

    def _raw(self, headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
        """Headers as they are sent. Refused before anybody is connected to."""
        ours = {"User-Agent": "Copydesk", "Accept": "*/*", "Connection": "close"}
        theirs = {name.lower() for name in headers}
        merged = {name: value for name, value in ours.items() if name.lower() not in theirs}
        for name, value in headers.items():
            if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
                said = _(
                    "this cannot be sent to %(place)s: the header %(name)s holds a line "
                    "break or another character that headers cannot have"
                )
                raise Refused(said % {"place": self.target, "name": repr(name)})
        return [
            (name.encode("ascii"), value.strip().encode("latin-1"))
            for name, value in (merged | dict(headers)).items()
        ]

    def _read(self, pieces: Iterable[bytes], headers: Mapping[str, str]) -> tuple[bytes, str]:
        """The body up to the limit, and what is wrong with it; empty if nothing is."""
        import httpcore
        import httpx

        content = bytearray()
        try:
            for piece in _unpacked(self._counted(pieces), headers.get("content-encoding", "")):
                content += piece
                if len(content) > self.limit:
                    return bytes(content[: self.limit]), _too_long(self.limit)
        except TimeoutError:
            said = _("it did not end within %(seconds)s seconds")
            return bytes(content), said % {"seconds": f"{self.timeout:g}"}
        except (OSError, httpcore.NetworkError, httpcore.ProtocolError, httpx.HTTPError):
            return bytes(content), _("it broke off")
        except ValueError as error:
            return bytes(content), str(error)
        return bytes(content), ""

    def _counted(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The same pieces, and no more of them than the limit: gzip can unpack to nothing, too."""
        count = 0
        for piece in pieces:
            yield piece
            count += len(piece)
            if count > self.limit:
                raise ValueError(_too_long(self.limit))


def _too_long(limit: int) -> str:
    return _("it is longer than %(limit)s bytes") % {"limit": f"{limit:,}"}


def _unpacked(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """What gzip made of `pieces`, never more than `_PIECE` bytes at once.

    httpx would unpack what came in one go. Raises ValueError with a sentence.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        yield from pieces
        return
    if encoding not in ("gzip", "x-gzip"):
        said = _("it is packed as %(encoding)s, which was not asked for")
        raise ValueError(said % {"encoding": repr(encoding[:40])})
    unpacker = zlib.decompressobj(wbits=31)
    has_begun = False
    try:
        for piece in pieces:
            is_full = False
            while piece or is_full:
                if unpacker.eof:  # several packets, one after the other
                    unpacker = zlib.decompressobj(wbits=31)
                has_begun = True
                unpacked = unpacker.decompress(piece, _PIECE)
                yield unpacked
                piece = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
                is_full = len(unpacked) == _PIECE and not unpacker.eof
    except zlib.error as error:
        raise ValueError(_("it cannot be unpacked: %(error)s") % {"error": error}) from None
    if has_begun and not unpacker.eof:
        raise ValueError(_("it broke off"))
