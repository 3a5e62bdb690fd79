"""When two links lead to one article, and who published it.

`canonical` answers with a key, not with an address to open. What it takes away never told two
pages apart: who sent the reader, where on the page to begin, for which screen it is drawn. It is
careful rather than thorough: two keys for one article cost a little, one key for two lose a story.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

# --- one article, one key ------------------------------------------------------------------------

#: Parameters that tell who sent the reader and never which page is meant.
_TRACKING = re.compile(
    r"utm_.*|mtm_.*|pk_(campaign|kwd|source|medium)|hsa_.*|oly_.*|vero_.*|_hs.*|at_(medium|campaign)"
    r"|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|li_fat_id|mc_[ce]id"
    r"|igshid|igsh|mkt_tok|_ga|_gl|ref_src|ref_url|ref_|referrer|spm|xtor|cmpid|ncid|ftag"
    r"|guccounter|guce_.*|__twitter_impression|fb_(action|ref|source).*|smid|smtyp|sr_share|trk"
    r"|_branch_match_id|wt\.mc_id|soc_(src|trk)",
    re.IGNORECASE,
)
#: Parameters that may name a branch or a database as well as a sender: gone only with these values.
_SENDER = re.compile(r"ref|source|src|from|via|cmp|campaign|medium|partner|rss|amp", re.IGNORECASE)
_SENDERS = re.compile(
    r"|1|true|amp|rss[\w-]*|feeds?|atom|newsletter|e?mail|twitter|facebook|fb|linkedin|reddit|hn"
    r"|hackernews|hacker-?news|producthunt|telegram|whatsapp|line|social|share|home(page)?"
    r"|[\w-]+(\.[\w-]+)*\.(com|org|net|io|ai|dev|co|tw|cn|news)",
    re.IGNORECASE,
)
#: Further parameters that mean nothing on one host.
_MEANINGLESS = {
    "x.com": {"s", "t", "lang"},
    "reddit.com": {"share_id", "rdt"},
    "medium.com": {"sk", "source"},
    "youtube.com": {"si", "feature", "pp", "ab_channel", "t", "start"},
}
#: Other names of a host.
_HOSTS = {
    "twitter.com": "x.com",
    "old.reddit.com": "reddit.com",
    "new.reddit.com": "reddit.com",
    "np.reddit.com": "reddit.com",
    "export.arxiv.org": "arxiv.org",
    "rss.arxiv.org": "arxiv.org",
    "ar5iv.labs.arxiv.org": "arxiv.org",
    "ar5iv.org": "arxiv.org",
    "alphaxiv.org": "arxiv.org",
}
#: First parts of a host that say for which screen a page is drawn.
_SCREENS = {"www", "www2", "m", "mobile", "amp", "wap", "touch"}
_ARXIV = re.compile(
    r"/(?:abs|pdf|html|format|ps|src|e-print)/((?:[a-z-]+(?:\.[a-z]{2})?/)?\d{4}\.?\d{3,5})"
    r"(?:v\d+)?(?:\.pdf)?",
    re.IGNORECASE,
)
_ARXIV_DOI = re.compile(r"/10\.48550/arxiv\.(\d{4}\.\d{4,5})(?:v\d+)?", re.IGNORECASE)
_VIDEO = re.compile(r"/(?:shorts|embed|live|v)/([\w-]{6,})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")


def canonical(url: str) -> str:
    """The key of what a link leads to: links to one article have the same.

    A key is its own key. What cannot be read as a web address is its own key, too. A fragment stays
    where it names a page (`#/route`, `#!route`).
    """
    # One step can open the way for another: below an AMP cache lies a mobile host. Four are more
    # than any link of an article takes; what needs more is nobody's article and keeps its spelling.
    seen = [url.strip()]
    while (key := _canonical_once(seen[-1])) != seen[-1]:
        if len(seen) == 4:
            return seen[0]
        seen.append(key)
    return key


def _canonical_once(url: str) -> str:
    url = _unwrapped(url)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return url
    if parts.scheme not in ("http", "https") or not host:
        return url
    host = _without_screen(_host(host))
    path = re.sub(r";jsessionid=[^/]*", "", _escaped(parts.path), flags=re.IGNORECASE)
    pairs = [_pair(piece) for piece in parts.query.split("&") if piece]
    if host == "youtu.be" and re.fullmatch(r"/[\w-]{6,}/?", path):
        host, path, pairs = "youtube.com", "/watch", [("v", path.strip("/"), "="), *pairs]
    host = _HOSTS.get(host, host)
    if host == "youtube.com" and (video := _VIDEO.match(path)):
        path, pairs = "/watch", [("v", video[1], "="), *pairs]
    if host == "youtube.com" and path.rstrip("/") == "/watch":
        pairs = [pair for pair in pairs if pair[0] == "v"] or pairs
    if host == "arxiv.org" and (paper := _ARXIV.match(path)):
        return f"https://arxiv.org/abs/{paper[1].lower()}"
    if host in ("doi.org", "dx.doi.org") and (paper := _ARXIV_DOI.match(path)):
        return f"https://arxiv.org/abs/{paper[1]}"
    path = _without_amp(path)
    kept = sorted((p for p in pairs if not _is_tracking(p, host)), key=lambda pair: pair[0])
    query = "&".join(name + sign + value for name, value, sign in kept)
    fragment = parts.fragment if parts.fragment[:1] in ("/", "!") else ""
    # 80 and 443 are the usual ports of one scheme each; as the other's they would be a mistake.
    place = f"[{host}]" if ":" in host else host
    place += f":{port}" if port not in (None, 80, 443) else ""
    return (
        f"https://{place}{path.rstrip('/') or '/'}"
        + (f"?{query}" if query else "")
        + (f"#{_escaped(fragment)}" if fragment else "")
    )


def _unwrapped(url: str) -> str:
    """The page a cache of AMP pages holds."""
    found = re.match(
        r"https?://(?:www\.google\.[a-z.]+/amp|[\w-]+\.cdn\.ampproject\.org/[a-z])/(s/)?"
        r"([\w-]+(?:\.[\w-]+)+(?:[/?#].*)?)$",
        url,
        re.IGNORECASE | re.DOTALL,
    )
    return _unwrapped(f"http{'s' if found[1] else ''}://{found[2]}") if found else url


def _host(host: str) -> str:
    host = host.strip(".").lower()
    try:
        return host.encode("idna").decode().lower() if not host.isascii() else host
    except UnicodeError:
        return host


def _without_screen(host: str) -> str:
    """`en.m.wikipedia.org` as `en.wikipedia.org`: the part one pays for is left alone."""
    if re.fullmatch(r"[\d.]+|.*:.*", host):
        return host
    house = house_of(host)
    before = host.removesuffix(house).rstrip(".").split(".")
    return ".".join([*(part for part in before if part and part not in _SCREENS), house])


def _without_amp(path: str) -> str:
    """A story's path without the mark of its AMP page.

    Only where what is left looks like a story's: a project may be called amp.
    """
    bare = path.rstrip("/")
    for pattern in (r"(.*)/amp", r"(.*)\.amp(?:\.html)?", r"/amp(/.*)"):
        if (found := re.fullmatch(pattern, bare, re.IGNORECASE | re.DOTALL)) and re.search(
            r"\d{4}|-[^/]*-|\.html?$", found[1].rstrip("/").rpartition("/")[2]
        ):
            return _without_amp(found[1])
    return path


def _pair(piece: str) -> tuple[str, str, str]:
    name, sign, value = piece.partition("=")
    return _escaped(name).replace("%20", "+"), _escaped(value).replace("%20", "+"), sign


def _is_tracking(pair: tuple[str, str, str], host: str) -> bool:
    name, value, _sign = pair
    return bool(
        _TRACKING.fullmatch(name)
        or name in _MEANINGLESS.get(host, ())
        or (_SENDER.fullmatch(name) and _SENDERS.fullmatch(value))
        or (name.lower() == "outputtype" and value.lower() == "amp")
    )


def _escaped(text: str) -> str:
    """Each character in its one spelling: as itself where it needs no escape, else as %XX."""

    def spelled(found: re.Match[str]) -> str:
        if code := found[1]:
            character = chr(int(code, 16))
            return character if _UNRESERVED.fullmatch(character) else f"%{code.upper()}"
        return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "replace"))

    return re.sub(r"%([0-9A-Fa-f]{2})|[^!$-;=?-Z_a-z~\[\]]", spelled, text)


# --- who published it ----------------------------------------------------------------------------

#: Second parts under which a country's registry gives names away: `example.com.tw`.
_SECOND = {"com", "co", "org", "net", "edu", "gov", "ac", "idv", "or", "ne", "go", "mil", "game"}
#: Hosts that let others publish under a name of their own.
_LANDLORDS = (
    *("github.io", "gitlab.io", "substack.com", "medium.com", "blogspot.com", "wordpress.com"),
    *("tumblr.com", "ghost.io", "netlify.app", "vercel.app", "pages.dev", "hashnode.dev"),
    *("beehiiv.com", "bearblog.dev", "typepad.com", "pixnet.net", "hf.space", "notion.site"),
    *("readthedocs.io", "herokuapp.com", "fly.dev", "web.app", "firebaseapp.com", "mirror.xyz"),
)
#: Hosts whose names stand in the path → how many of its parts make one.
_BY_PATH = {"github.com": 2, "gitlab.com": 2, "huggingface.co": 1, "medium.com": 1}
#: Paths there that are the host's own.
_OWN = {
    *("blog", "papers", "docs", "posts", "learn", "datasets", "spaces", "models", "collections"),
    *("about", "features", "topics", "trending", "p", "tag", "orgs", "search", "login", "apps"),
}


def house_of(host: str) -> str:
    """The part of a host that somebody registered: `blogs.nvidia.com` belongs to `nvidia.com`."""
    host = host.rstrip(".").lower()
    if re.fullmatch(r"[\d.]+|.*:.*", host):
        return host
    for landlord in _LANDLORDS:
        if host.endswith(f".{landlord}"):
            tenant = host.removesuffix(f".{landlord}").rpartition(".")[2]
            return landlord if tenant in _SCREENS else f"{tenant}.{landlord}"
    parts = host.split(".")
    length = 3 if len(parts[-1]) == 2 and parts[-2:-1] and parts[-2] in _SECOND else 2
    return ".".join(parts[-length:])


def outlet_of(url: str, feed_title: str = "") -> str:
    """Who published what a link leads to: a registered name, or an owner where many share a host.

    `feed_title` is the answer where the link names nobody.
    """
    key = canonical(url)
    try:
        parts = urlsplit(key)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https"):
        return feed_title
    if count := _BY_PATH.get(host):
        names = [name for name in parts.path.split("/") if name][:count]
        if len(names) == count and names[0].lower() not in _OWN:
            return "/".join([host, *names]).lower() if count == 1 else "/".join(names)
    return house_of(host)
