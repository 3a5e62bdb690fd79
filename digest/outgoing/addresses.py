"""Which addresses may be reached: where a URL leads, and whether that is the open internet."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

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


def target_of(url: str) -> Target:
    """Take a URL apart. Raises `Refused` for all but http(s) addresses without a password."""
    if _BLANK.search(url):
        raise Refused(_("an address cannot contain blanks, control characters or \\"))
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused(_("the address has a host or a port that cannot be read")) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused(_("an address starts with http:// or https:// and names a host"))
    if "@" in parts.netloc:
        raise Refused(_("an address cannot carry a user name or password"))
    if port == 0:
        raise Refused(_("port 0 is no port"))
    try:
        host = parts.hostname if ":" in parts.hostname else _ascii(parts.hostname)
    except UnicodeError:
        said = _("%(name)s is no name of a host") % {"name": repr(parts.hostname)}
        raise Refused(said) from None
    if not f"{parts.path}{parts.query}".isascii():
        raise Refused(_("letters outside of ASCII in a path are written as %XX"))
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


def look_up(target: Target) -> list[tuple[int, Any]]:
    """The addresses of a host as (family, socket address), looked up here and nowhere else.

    The time this takes is bounded by the system (resolv.conf). Raises `Refused` where one of them
    is not to be reached, `NoAnswer` where there is none.
    """
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        said = _("%(host)s cannot be found: %(error)s")
        raise NoAnswer(said % {"host": target.host, "error": error}) from None
    if not found:
        raise NoAnswer(_("%(host)s has no address") % {"host": target.host})
    if not is_allowed(target):
        for _family, _type, _protocol, _name, address in found:
            # One bad address among good ones is refused, too: it is how rebinding is prepared.
            if not is_public(str(address[0])):
                said = _(
                    "%(host)s leads to %(address)s, which is not on the open internet; "
                    "only OUTGOING_ALLOW can open it"
                )
                raise Refused(said % {"host": target.host, "address": address[0]})
    return [(family, address) for family, _type, _protocol, _name, address in found]
