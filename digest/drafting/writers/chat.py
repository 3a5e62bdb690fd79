"""The writer with a model behind any OpenAI-compatible `/chat/completions` endpoint.

What a model answers is a proposal. It is asked for plain text in JSON, which is validated, set so
that nothing in it is markup, freed of links and compared with the articles: a name or a number that
stands in none of them is marked on the card. An answer that cannot be used is asked for once more
with the reason; then the writer without a model takes that card and the mark says so. Articles are
data to it: they stand between fences that no article can know, and what obeys them is caught by the
same comparison as any other invention.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from digest import outgoing
from digest.document import Passage
from digest.drafting import answers, carding
from digest.drafting.answers import CardAnswer, InsightAnswer, Item, Malformed
from digest.drafting.articles import Placed
from digest.drafting.names import Ground
from digest.drafting.sentences import in_script, is_chinese, is_simplified
from digest.drafting.typesetting import bare, bullets, one_line, prose, shortened
from digest.drafting.writers import Day, DeskLanguage, Insight, Usage, Writer, Written
from digest.drafting.writers.extractive import ExtractiveWriter

_PROMPTS = Path(__file__).resolve().parent.parent / "prompts"
#: How much of a topic a model is given: articles, characters of one, characters of all.
_ARTICLES, _ARTICLE_TEXT, _ALL_TEXT = 12, 6_000, 24_000
#: How much of a bad answer is kept, in characters.
_EVIDENCE = 20_000
#: Tries of one request, and seconds of rest before the second; the rest doubles.
_TRIES, _REST = 3, 1.0
_LATER = {408, 409, 425, 429}
#: Statuses with which an endpoint says that it does not know a parameter.
_NOT_UNDERSTOOD = {400, 404, 415, 422}

_LINK = re.compile(
    r"!?\[([^\[\]]*)\]\(\s*<?((?:[^()\s<>]|\([^()\s]*\))*)>?(?:\s+[\"'][^\"']*[\"'])?\s*\)"
)
_ADDRESS = re.compile(r"<?\b(?:https?://|www\.)[^\s<>\"'）)」』】，。；、]+>?", re.IGNORECASE)
_EMPHASIS = re.compile(r"(\*\*|__|\*|`)(?=\S)(.+?)(?<=\S)\1")
_FENCED = re.compile("===[0-9a-f]{20}===")
_OPENING = re.compile(r"^(?:#{1,6}\s+|>\s+|[-*+•]\s+)+")

#: What is said of numbers and of names that the articles (the cards, for the insight) do not have.
_STRANGE: dict[str, tuple[Promise, Promise]] = {
    "headline": (
        gettext_lazy("In the headline, numbers that are in no article: %(found)s."),
        gettext_lazy("In the headline, names that are in no article: %(found)s."),
    ),
    "summary": (
        gettext_lazy("In the summary, numbers that are in no article: %(found)s."),
        gettext_lazy("In the summary, names that are in no article: %(found)s."),
    ),
    "details": (
        gettext_lazy("In the details, numbers that are in no article: %(found)s."),
        gettext_lazy("In the details, names that are in no article: %(found)s."),
    ),
    "applications": (
        gettext_lazy("In the applications, numbers that are in no article: %(found)s."),
        gettext_lazy("In the applications, names that are in no article: %(found)s."),
    ),
    "insight": (
        gettext_lazy("In the insight, numbers that are in no card: %(found)s."),
        gettext_lazy("In the insight, names that are in no card: %(found)s."),
    ),
}
_CARD_BY_ANOTHER = gettext_lazy("The card was written by %(fallback)s: of %(writer)s, %(reason)s.")
_INSIGHT_BY_ANOTHER = gettext_lazy(
    "The insight was written by %(fallback)s: of %(writer)s, %(reason)s."
)

A = TypeVar("A", bound=answers.Answer)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is asked. `url` is the endpoint's base or the address of its completions.

    `timeout` is seconds for one request; `price_in` and `price_out` are the cost of a million
    tokens, None where nobody knows. Raises ValueError for a key that no header can carry.
    """

    url: str
    model: str
    key: str = field(default="", repr=False)
    timeout: float = 60.0
    price_in: float | None = None
    price_out: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", self.key.strip())
        if not re.fullmatch(r"[\x21-\x7e]*", self.key):
            raise ValueError(
                _("the key of the chat endpoint has a blank or a letter outside of ASCII")
            )

    @property
    def address(self) -> str:
        """The address that completions are posted to."""
        parts = urlsplit(self.url)
        path = parts.path.rstrip("/")
        if not path.endswith("/chat/completions"):
            path += "/chat/completions"
        return parts._replace(path=path).geturl()

    def cost_of(self, tokens_in: int, tokens_out: int) -> float | None:
        """What so many tokens cost; None where no price is known."""
        if self.price_in is None or self.price_out is None:
            return None
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1_000_000


class _Failed(Exception):
    """The endpoint did not answer as one does. `for_good` is true where nothing will help."""

    def __init__(self, reason: str, evidence: str = "", *, for_good: bool = False) -> None:
        super().__init__(reason)
        self.evidence, self.for_good = evidence, for_good


@dataclass(slots=True)
class _Bill:
    """What one card takes, request by request."""

    usage: Usage = Usage()
    evidence: list[str] = field(default_factory=list)


class ChatWriter:
    """Asks a model, checks what it says, and hands over to another writer where it fails.

    After `patience` failures in a row the endpoint is left alone for the rest of the run. A writer
    that goes on with a run is told the `failures` of the one before it. Not for several threads at
    once.
    """

    name = "chat"

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        fallback: Writer | None = None,
        patience: int = 3,
        failures: int = 0,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.endpoint = endpoint
        self.name = f"chat ({one_line(endpoint.model)})"
        self._fallback = fallback or ExtractiveWriter()
        self._patience, self._sleep, self._clock = patience, sleep, clock
        self._failures = failures
        self._wants_json = True
        self._given_up = failures >= patience

    @property
    def failures(self) -> int:
        """How often in a row it came to nothing, up to now."""
        return self._failures

    # --- cards

    def write_card(self, placed: Placed, *, language: DeskLanguage) -> Written:
        """The card of a topic as the model has it, or, where it failed, as the fallback has it."""
        if self._given_up:
            return self._fallback.write_card(placed, language=language)
        placed = carding.readable(placed)
        bill = _Bill()
        text = _articles_as_data(placed)
        found, reason = self._ask("card", text, len(placed.topic.articles), CardAnswer, language,
                                  bill)  # fmt: skip
        if found is None:
            written = self._fallback.write_card(placed, language=language)
            return replace(
                written,
                marks=(self._said_of_fallback(reason, _CARD_BY_ANOTHER), *written.marks),
                usage=bill.usage,
                evidence=tuple(bill.evidence),
            )
        frame = carding.frame_card(placed, language)
        links = _Links(article.url for article in placed.topic.articles)
        set_text = _Setter(links, language)
        values: dict[str, object] = {
            **frame.values,
            "headline": carding.headline_of(set_text.plain(found.headline) or placed.topic.title),
            "summary": prose(set_text.plain(found.summary)),
            "details": _bullets(found.details, set_text),
            "applications": _bullets(found.applications, set_text),
            "entities": carding.entities_of([set_text.plain(name) for name in found.entities]),
        }
        card, troubles = carding.settle_card(values)
        if troubles:
            self._keep(bill, found.model_dump_json())
        ground = Ground(
            f"{a.title}\n{a.text}\n{a.outlet}\n{a.author}\n{' '.join(a.tags)}\n{a.url}"
            for a in placed.topic.articles
        )
        marks = [
            *links.marks(), *set_text.marks(), *_unfounded(found, ground, set_text),
            *frame.marks, *troubles,
        ]  # fmt: skip
        return Written(
            placed, card, self.name, tuple(marks), bill.usage, tuple(bill.evidence)
        )  # fmt: skip

    # --- insight

    def write_insight(self, day: Day) -> Insight:
        """What the day comes to as the model has it: nothing in it that is in no card."""
        if self._given_up or not day.written:
            return self._fallback.write_insight(day)
        bill = _Bill()
        found, reason = self._ask(
            "insight", _cards_as_data(day), len(day.written), InsightAnswer, day.language, bill
        )
        if found is None:
            insight = self._fallback.write_insight(day)
            return replace(
                insight,
                marks=(self._said_of_fallback(reason, _INSIGHT_BY_ANOTHER), *insight.marks),
                usage=bill.usage,
                evidence=tuple(bill.evidence),
            )
        links = _Links(())
        set_text = _Setter(links, day.language)
        ground = Ground([_card_text(written) for written in day.written] + [_figures(day)])
        marks: list[str] = []
        watch: list[str] = []
        for item in found.watch:
            text = set_text.plain(item)
            if strange := ground.strange_names(text):
                said = _("Taken off the watch list, as no card has %(names)s: “%(text)s”.")
                marks.append(said % {"names": carding.listed(strange), "text": text})
            elif text:
                watch.append(prose(text))
        texts = [found.title, found.description, found.summary]
        texts += [text for p in found.passages for text in (p.title, *p.paragraphs)]
        marks += _strange("insight", "\n".join(map(set_text.plain, texts)), ground)
        return Insight(
            title=bare(set_text.plain(found.title), 80),
            description=one_line(set_text.plain(found.description)),
            summary=one_line(set_text.plain(found.summary)),
            passages=tuple(
                Passage(
                    title=bare(set_text.plain(p.title), 60) or "—",
                    body="\n\n".join(
                        filter(None, (prose(set_text.plain(t)) for t in p.paragraphs))
                    ),
                )
                for p in found.passages
            ),
            watch=tuple(watch[:5]),
            writer=self.name,
            marks=(*links.marks(), *set_text.marks(), *marks),
            usage=bill.usage,
            evidence=tuple(bill.evidence),
        )

    # --- asking

    def _ask(
        self, kind: str, data: str, count: int, model: type[A], language: DeskLanguage, bill: _Bill
    ) -> tuple[A | None, str]:
        """The model's answer as values; None, with the reason, where there is none to be had."""
        fence = _fence_for(data)
        prompt = _prompt(kind, language).format(
            count=count, fence=fence, articles=data.replace(_FENCE, fence)
        )
        system, _rule, user = prompt.partition("\n---\n")
        messages = [
            {"role": "system", "content": system.strip()},
            {"role": "user", "content": user.strip()},
        ]
        reason = ""
        try:
            for _attempt in range(2):
                text = self._complete(messages, bill)
                try:
                    found = answers.read(text, model)
                    _check_language(found, language)
                except Malformed as error:
                    said = _("twice its answer could not be used (%(reason)s)")
                    reason = said % {"reason": error}
                    self._keep(bill, text)
                    with translation.override("en"):  # its words are the same in any newsroom
                        repair = _prompt("repair", language).format(error=str(error)).strip()
                    messages = [
                        *messages[:2],
                        {"role": "assistant", "content": text[:8_000] or "…"},
                        {"role": "user", "content": repair},
                    ]
                else:
                    self._failures = 0
                    return found, ""
        except _Failed as error:
            reason = str(error)
            if error.evidence:
                self._keep(bill, error.evidence)
            if error.for_good:
                self._failures = self._patience
        self._failures += 1
        return None, self._without_key(reason)

    def _said_of_fallback(self, reason: str, sentence: Promise) -> str:
        values = {
            "fallback": self._fallback.name,
            "writer": self.name,
            "reason": shortened(one_line(reason), 300),
        }
        said = str(sentence) % values
        if self._failures < self._patience:
            return said
        self._given_up = True
        further = _(
            "%(said)s The endpoint is left alone for the rest of the run, and %(fallback)s writes "
            "all that is left."
        )
        return further % (values | {"said": said})

    def _complete(self, messages: Sequence[dict[str, str]], bill: _Bill) -> str:
        """What the model says to these messages. Raises _Failed where nothing comes of it."""
        end = self._clock() + 2 * self.endpoint.timeout
        rest = _REST
        for tried in range(1, _TRIES + 1):
            try:
                return self._request(messages, bill)
            except _Failed as error:
                if error.for_good or tried == _TRIES or self._clock() + rest > end:
                    raise
                if error.evidence:
                    self._keep(bill, error.evidence)
            self._sleep(rest)
            rest *= 2
        raise AssertionError("the last try returns or raises")

    def _request(self, messages: Sequence[dict[str, str]], bill: _Bill) -> str:
        payload: dict[str, Any] = {
            "model": self.endpoint.model,
            "messages": list(messages),
            "temperature": 0,
        }
        if self._wants_json:
            payload["response_format"] = {"type": "json_object"}
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.endpoint.key:
            headers["Authorization"] = f"Bearer {self.endpoint.key}"
        body = json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")
        begun = self._clock()
        try:
            answer = outgoing.post(
                self.endpoint.address, body=body, headers=headers, timeout=self.endpoint.timeout
            )
        except outgoing.NoAnswer as error:
            raise _Failed(str(error)) from None
        except (outgoing.Refused, ValueError) as error:
            said = _("nothing is sent to it: %(reason)s") % {"reason": error}
            raise _Failed(said, for_good=True) from None
        finally:
            spent = Usage(requests=1, seconds=max(0.0, self._clock() - begun))
            bill.usage += spent
        text = answer.body.decode("utf-8", "replace")
        if self._wants_json and answer.status in _NOT_UNDERSTOOD and "response_format" in text:
            self._wants_json = False
            return self._request(messages, bill)
        if answer.status != 200:
            is_passing = answer.status in _LATER or answer.status >= 500
            reason = _("it answered with status %(status)d") % {"status": answer.status}
            raise _Failed(reason, text, for_good=not is_passing)
        if not answer.is_whole:
            raise _Failed(_("its answer broke off or was longer than is read"), text)
        return self._content_of(text, bill)

    def _content_of(self, text: str, bill: _Bill) -> str:
        """The words of the first choice, with what they cost put on the bill."""
        try:
            payload = json.loads(text)
            if not isinstance(payload, dict):
                raise ValueError
        except (ValueError, RecursionError):
            raise _Failed(_("its answer is no JSON"), text) from None
        tokens = payload.get("usage")
        tokens_in, tokens_out = (
            _count(tokens, key) for key in ("prompt_tokens", "completion_tokens")
        )
        if tokens_in is not None and tokens_out is not None:
            cost = self.endpoint.cost_of(tokens_in, tokens_out)
            bill.usage += Usage(tokens_in=tokens_in, tokens_out=tokens_out, cost=cost)
        choices = payload.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        message = choice.get("message") if isinstance(choice, dict) else None
        if not isinstance(message, dict):
            raise _Failed(_("its answer holds no choice"), text)
        content = message.get("content")
        if isinstance(content, list):  # some give their text in parts
            parts = (part.get("text") for part in content if isinstance(part, dict))
            content = "".join(part for part in parts if isinstance(part, str))
        if isinstance(content, str) and content.strip():
            return content
        if isinstance(refusal := message.get("refusal"), str) and refusal:
            return refusal  # words without JSON: asked once more, then given up
        raise _Failed(_("its answer is empty"), text)

    def _keep(self, bill: _Bill, text: str) -> None:
        bill.evidence.append(clean_evidence(self._without_key(text)))

    def _without_key(self, text: str) -> str:
        return text.replace(self.endpoint.key, "[key]") if self.endpoint.key else text


def clean_evidence(text: str) -> str:
    """A bad answer as a database can keep it, at its length or up to a limit, which is said."""
    text = text.replace("\0", "␀").encode("utf-8", "backslashreplace").decode()
    if len(text) <= _EVIDENCE:
        return text
    return f"{text[:_EVIDENCE]}\n… ({len(text) - _EVIDENCE:,} characters more)"


def _count(tokens: Any, key: str) -> int | None:
    """A count of tokens, if somebody counted: endpoints send null, text and less."""
    value = tokens.get(key) if isinstance(tokens, dict) else None
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9
    return value if is_count else None


# --- what the model is given ---------------------------------------------------------------------

#: Stands in data for the fence, which depends on all of it.
_FENCE = "\ue000fence\ue000"


@cache
def _prompt(kind: str, language: DeskLanguage) -> str:
    return (_PROMPTS / f"{kind}.{language}.md").read_text(encoding="utf-8")


def _fence_for(data: str) -> str:
    """A fence for data: the same for the same data, and in none that it fences.

    It is made of the hash of the whole, so that no article can hold the fence it will stand in.
    """
    salt = 0
    while True:
        digest = hashlib.sha256(f"{salt}\n{data}".encode("utf-8", "replace")).hexdigest()
        fence = f"==={digest[:20]}==="
        if fence not in data:
            return fence
        salt += 1


def _articles_as_data(placed: Placed) -> str:
    left = _ALL_TEXT
    pieces = []
    for number, article in enumerate(placed.topic.articles[:_ARTICLES], 1):
        text = article.text.replace(_FENCE, "")
        cut = text[: min(_ARTICLE_TEXT, left)]
        left -= len(cut)
        more = "\n[…]" if len(cut) < len(text) else ""
        head = f"{number}. {article.title} ({article.outlet})"
        pieces.append(f"{_FENCE}\n{head.replace(_FENCE, '')}\n\n{cut}{more}\n{_FENCE}")
    return "\n\n".join(pieces)


def _card_text(written: Written) -> str:
    card = written.card
    texts = (card.headline, card.summary, card.details, card.applications)
    # As readers see it: an escape inside a name would make another of it.
    return "\n".join(re.sub(r"\\(?=[!-/:-@\[-`{-~])", "", text) for text in texts) + (
        f"\n{', '.join(card.entities)}"
    )


def _cards_as_data(day: Day) -> str:
    pieces = [f"{_FENCE}\n{_figures(day)}\n{_FENCE}"]
    for title, cards in day.sections:
        for written in cards:
            card, topic = written.card, written.placed.topic
            rating = card.importance.label if card.importance else ""
            lines = [f"[{title}] {card.headline} ({rating}; {len(topic.outlets)})", card.summary]
            lines.append(", ".join(card.entities))
            if topic.earlier:
                lines.append(f"<- {topic.earlier.day.isoformat()}: {topic.earlier.headline}")
            text = "\n".join(filter(None, lines)).replace(_FENCE, "")
            pieces.append(f"{_FENCE}\n{text[:2_000]}\n{_FENCE}")
    return "\n\n".join(pieces)


def _figures(day: Day) -> str:
    if day.language == "en":
        past = f" of {day.hours} hours" if day.hours else ""
        return (
            f"{day.date.isoformat()}: {day.articles} articles{past},"
            f" {day.topics} topics, {len(day.written)} cards"
        )
    past = f"過去 {day.hours} 小時的 " if day.hours else ""
    return (
        f"{day.date:%Y/%m/%d}：{past}{day.articles} 篇文章，"
        f"{day.topics} 個主題，{len(day.written)} 張卡片"
    )


# --- what the model said -------------------------------------------------------------------------


class _Links:
    """Links that a model wrote: none stays in the text, and those of nobody's are remembered."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = {url.rstrip("/") for url in known}
        self._foreign: dict[str, None] = {}

    def take_out(self, text: str) -> str:
        """A text with the words of its links and without their addresses."""
        text = _LINK.sub(lambda found: self._note(found[2]) or found[1], text)
        return _ADDRESS.sub(lambda found: self._note(found[0]), text)

    def _note(self, address: str) -> str:
        address = address.strip("<>").rstrip("/.,")
        if address and address not in self._known:
            self._foreign[address] = None
        return ""

    def marks(self) -> list[str]:
        """What to say about links that lead elsewhere."""
        said = _("A link that is none of the articles' was taken out: %(url)s.")
        return [said % {"url": shortened(one_line(url), 120)} for url in self._foreign]


class _Setter:
    """Takes a model's words down to plain text in the desk's script."""

    def __init__(self, links: _Links, language: DeskLanguage) -> None:
        self._links, self._language = links, language
        self._was_simplified = False

    def plain(self, text: str) -> str:
        """A text as one line without links and without the markup that models cannot leave."""
        text = self._links.take_out(_FENCED.sub("", one_line(text)))
        for _depth in range(3):
            text = _EMPHASIS.sub(r"\2", text)
        text = _OPENING.sub("", text)
        if self._language == "zh-Hant" and is_simplified(text):
            self._was_simplified = True
            text = in_script(text, "zh-Hans", self._language)
        return one_line(text)

    def marks(self) -> list[str]:
        """What to say about how the text was changed."""
        if not self._was_simplified:
            return []
        return [_("Some of it was in Simplified characters; the characters are converted.")]


def _bullets(items: tuple[Item, ...], set_text: _Setter) -> str:
    found: list[tuple[int, str]] = []
    for item in items:
        if text := prose(set_text.plain(item.text)):
            found.append((0, text))
            points = (prose(set_text.plain(point)) for point in item.points)
            found += [(1, point) for point in points if point]
    return bullets(found)


def _unfounded(answer: CardAnswer, ground: Ground, set_text: _Setter) -> list[str]:
    """What a card says that no article does."""
    places = {
        "headline": [answer.headline],
        "summary": [answer.summary],
        "details": [t for item in answer.details for t in (item.text, *item.points)],
        "applications": [t for item in answer.applications for t in (item.text, *item.points)],
    }
    marks: list[str] = []
    for place, texts in places.items():
        said = "\n".join(map(set_text.plain, texts))
        marks += _strange(place, said, ground)
    names = [n for n in map(set_text.plain, answer.entities) if n and not ground.has_name(n)]
    if names:
        said = _("No article has these key entities: %(names)s.")
        marks.append(said % {"names": carding.listed(names)})
    return marks


def _strange(place: str, text: str, ground: Ground) -> list[str]:
    found = (ground.strange_numbers(text), ground.strange_names(text))
    return [
        str(sentence) % {"found": carding.listed(strange)}
        for sentence, strange in zip(_STRANGE[place], found, strict=True)
        if strange
    ]


def _check_language(answer: answers.Answer, language: DeskLanguage) -> None:
    """Raise Malformed where a model answers in another language than the desk's."""
    if isinstance(answer, CardAnswer):
        text = answer.summary
    elif isinstance(answer, InsightAnswer):
        text = "".join(text for p in answer.passages for text in p.paragraphs)
    else:
        return
    if is_chinese(_ADDRESS.sub("", text)) != (language == "zh-Hant"):
        if language == "zh-Hant":
            raise Malformed(gettext_lazy("the text is not in Traditional Chinese"))
        raise Malformed(gettext_lazy("the text is not in English"))
