"""Text to HTML: the allow-list, the Markdown run, the two cleaners and the one `mark_safe`."""

from __future__ import annotations

import html
import logging
import re
import string
import threading
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from digest.markup.characters import CONTROLS, without_controls
from digest.markup.guard import TEXT_LIMIT, Refused
from digest.markup.layout import lay_out
from digest.markup.links import SCHEMES, decode, link_target

# bleach, markdown and nh3 are imported where they are used: 155 ms that a command or a worker
# which renders nothing should not wait for.

logger = logging.getLogger(__name__)

# --- The allow-list -----------------------------------------------------------------------------

#: Headings start at h4: h1 to h3 are the issue, its sections and its cards, and belong to the page.
TOP_HEADING = 4

TAGS = frozenset(
    ("p", "br", "hr", "strong", "em", "code", "pre", "blockquote", "ul", "ol", "li", "a")
    + ("h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td")
)
#: `title` is ours (where the link leads), never the writer's. nh3 adds `rel` to every link.
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
REL = "noopener nofollow"

# --- Text to HTML -------------------------------------------------------------------------------


def to_html(text: str) -> SafeString:
    """`text`, which is Markdown from anybody at all, as HTML that is safe in any page.

    Text past the limits of `guard` is not formatted: it comes back escaped, in paragraphs,
    complete. The result is kept by content, so a card is rendered once and not once per
    reader.
    """
    text = without_controls(text)
    # Oversized text is cheap to escape and dear to keep.
    return _to_html(text) if len(text) <= TEXT_LIMIT else _to_html.__wrapped__(text)


@lru_cache(maxsize=2048)
def _to_html(text: str) -> SafeString:
    try:
        dirty = _clean_with_bleach(_run_markdown(lay_out(text)))
    except Refused:
        dirty = _escape(text)
    except Exception:
        # A fault in Python-Markdown or bleach (deep recursion is the known one) must not take
        # down a page on which other people's cards stand. Its instance may be left half-way
        # through a list, so the thread gets a new one.
        logger.exception("Markdown could not be rendered and is shown as plain text")
        vars(_mine).clear()
        dirty = _escape(text)
    return mark_safe(_clean_with_nh3(dirty))  # noqa: S308  the one place; see the package's promises


def _escape(text: str) -> str:
    """Every character of `text` in view, in paragraphs with their line breaks."""
    paragraphs = re.split(r"\n[ \t]*(?:\n[ \t]*)+", text.strip("\n"))
    return "\n".join(
        f"<p>{html.escape(p, quote=False)}</p>".replace("\n", "<br>\n") for p in paragraphs if p
    )


# Building Markdown and bleach takes longer than using them, and neither may be shared by threads.
_mine = threading.local()


def _run_markdown(text: str) -> str:
    if not hasattr(_mine, "markdown"):
        _mine.markdown = _build_markdown()
    return _mine.markdown.reset().convert(text)


def _build_markdown() -> Any:
    from markdown import Markdown

    md = Markdown(extensions=["tables", "fenced_code", "sane_lists"], tab_length=2)
    # Without these two, raw HTML is ordinary text and gets escaped like all text.
    md.preprocessors.deregister("html_block")
    md.inlinePatterns.deregister("html")
    # As in CommonMark: `\<` is how an editor keeps Hugo from dropping a tag.
    md.ESCAPED_CHARS = list(string.punctuation)
    # After "unescape" (0), the last step that still changes the value of an attribute.
    md.treeprocessors.register(SimpleNamespace(run=_tidy), "copydesk", -10)
    for name in ("olist", "ulist"):
        processor = md.parser.blockprocessors[name]
        for attribute in ("RE", "CHILD_RE", "INDENT_RE"):
            # \d takes full-width digits too, and CommonMark stops at nine.
            pattern = getattr(processor, attribute).pattern.replace(r"\d+", "[0-9]{1,9}")
            setattr(processor, attribute, re.compile(pattern))
    return md


def _tidy(root: Any) -> None:
    """Demote headings, leave an image's description, mark links or leave their words."""
    for element in root.iter():
        if re.fullmatch("h[1-6]", str(element.tag)):
            element.tag = f"h{max(int(element.tag[1]), TOP_HEADING)}"
        elif element.tag == "img":
            # The serializer writes an element without a tag as its content alone.
            element.tag, element.text = None, element.get("alt")
        elif element.tag == "a":
            _tidy_link(element)


def _tidy_link(link: Any) -> None:
    from markdown.util import AMP_SUBSTITUTE

    # What a browser will read: entities undone, also those Python-Markdown hides addresses with.
    href = decode(link.get("href", "").replace(AMP_SUBSTITUTE, "&"))
    link.attrib.clear()
    if target := link_target(href):
        # The serializer keeps what looks like an entity; here nothing is one any more.
        link.set("href", href.replace("&", "&amp;"))
        link.set("title", target)
    else:
        link.tag = None


def _is_allowed(tag: str, name: str, value: str) -> bool:
    """Whether an attribute may stand, its value being what a browser would read."""
    if (tag, name) == ("a", "rel"):
        return value == REL  # nh3 asks about the one it has just added itself
    if name not in ATTRIBUTES.get(tag, ()):
        return False
    if name == "href":
        return bool(link_target(value))
    if name == "start":
        return bool(re.fullmatch("[0-9]{1,9}", value))
    return True


def _clean_with_bleach(dirty: str) -> str:
    if not hasattr(_mine, "bleach"):
        from bleach.sanitizer import Cleaner

        # bleach hands over attributes as written, with entities in them.
        allow = lambda tag, name, value: _is_allowed(tag, name, decode(value))  # noqa: E731  one use
        _mine.bleach = Cleaner(
            tags=TAGS,
            attributes=dict.fromkeys(ATTRIBUTES, allow),
            protocols=SCHEMES,
            strip=False,
            strip_comments=False,
        )
    return _mine.bleach.clean(dirty)


def _clean_with_nh3(dirty: str) -> str:
    import nh3

    clean = nh3.clean(
        dirty,
        tags=set(TAGS),
        attributes=ATTRIBUTES,
        attribute_filter=lambda tag, name, value: value if _is_allowed(tag, name, value) else None,
        url_schemes=set(SCHEMES),
        link_rel=REL,
    )
    # `&#2;` is text until here and a control character from here on.
    return CONTROLS.sub("", clean)
