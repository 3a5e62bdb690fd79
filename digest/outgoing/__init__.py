"""The one way out over HTTP. Whoever names an address must not reach what only this machine can.

A name is looked up once and every address it has is checked; the connection then goes to one of
the very addresses that were checked, so that a name server which answers differently the second
time has nobody to answer to. A `post` follows no redirect: the answer to a POST that moved is
somebody's mistake, and following it would send a signed body to a stranger. A `get` follows a few,
and each is checked like the first address. Proxies that the environment names are not used, as the
check would then happen elsewhere.

`docs/decisions/0017` and `0021` say why this is so, and why it is httpx.
"""

from digest.outgoing.addresses import NoAnswer, Refused, Target, is_allowed, is_public, target_of
from digest.outgoing.exchange import ANSWER_LIMIT, Answer, get, post

__all__ = [
    "ANSWER_LIMIT",
    "Answer",
    "NoAnswer",
    "Refused",
    "Target",
    "get",
    "is_allowed",
    "is_public",
    "post",
    "target_of",
]
