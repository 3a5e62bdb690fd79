"""From articles to topics: one story is one topic, whoever tells it and in whichever language.

1. Articles of one canonical link are one, and so are those of one title and text.
2. What a house says in every article is taken away first: columns' titles, footers, appeals to
   subscribe. What is left is weighed by how rare it is on that day (TF-IDF) and compared, Chinese
   with Chinese and English with English by all of it, across languages by what both can contain:
   names, numbers and the ideas of `digest.drafting.terms`.
3. Alike is not enough. `_Judge` knows why two articles that sound alike are two stories: another
   version, another issue of a column, another amount, a denial.
4. Articles join where they are alike on average, not where one neighbour leads to the next: a
   chain of pairs makes no topic.

A story is narrow on purpose: an editor can check a card on one event and cannot check a heap. So
there are far more stories than cards, and most have a single article. The run's tenth (820
articles, 80 topics) is made by `digest.drafting.scoring.shortlist`, the best of them.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import heapify, heappop, heappush
from typing import Any
from urllib.parse import unquote

from digest.drafting.articles import Article, Earlier, Novelty, Topic
from digest.drafting.words import LEAD, NOT, fold_text, is_chinese, tokens_of, turns

#: How alike two articles have to be on average to tell one story, 0 to 1.
SAME = 0.38
#: Below this, two articles are not looked at any further.
FLOOR = 0.12
#: How many neighbours of an article are looked at. A story with more tellers is found through them.
NEIGHBOURS = 60
#: How alike an article and an earlier card have to be to tell one story.
RAN = 0.32
#: How much of its title has to stand in an earlier card for that likeness to count in full.
TOLD = 0.45
#: How much of what a topic says, its titles for half, stands in a card that it repeats.
REPEATED = 0.55
#: How much two texts have to share for their likeness to count in full, in rare words.
ENOUGH = 3.4
ROWS = 512  # how many articles are compared with all others at a time, to bound memory

#: What kinds of tokens weigh: a name with a digit in it says more than two characters do.
_WEIGHTS = {"n": 1.5, "#": 1.3, "w": 1.0, "c": 0.9, "z": 0.6}
#: What they prove when two texts share them.
_EVIDENCE = {"n": 1.2, "#": 0.8, "w": 0.7, "c": 0.5, "z": 0.35}
_TITLE = 2  # how often a title counts beside the text

_SENTENCE = re.compile(r"[^。！？!?\n]*?(?:[。！？!?\n]+|\.(?=\s|$)|$)", re.DOTALL)
_DIGITS = re.compile(r"\d+")
_PIECES = re.compile(r"\s*(?:[:：|｜【】\[\]《》「」]|\s[-–—·]\s|——)\s*")
# A title of one issue of a column, folded: it names a habit and not a story.
_COLUMN = re.compile(
    r"日报|周报|月报|早报|晚报|周刊|电子报|每日|每周|本周精选|一周|精选|快讯|早安|盘点|速览"
    r"|\b(?:daily|weekly|monthly|digest|newsletter|round-?up|links|papers?|episode|issue|podcast"
    r"|show hn|ask hn|tell hn|open thread|recap|briefing|the post)\b"
)
_PAPER = re.compile(r"arxiv\.org/(?:abs|pdf|html)/(\d{4}\.\d{4,5}|[a-z-]+(?:\.[a-z]{2})?/\d{7})")
_RELEASE = re.compile(r"github\.com/([^/?#]+/[^/?#]+)/releases/tag/([^/?#]+)")
_VERSION = re.compile(r"n:([^\W\d]+)(\d.*)")
_LENGTH, _AGAIN = 12, 0.8  # printed again: of so many tokens at least, so much is the same
_COPY = 40  # characters; shorter texts may be alike by chance


def group(articles: Iterable[Article], *, earlier: Sequence[Earlier] = ()) -> list[Topic]:
    """Make topics of a day's articles, those with most outlets first.

    Each article comes to stand in exactly one topic, and the order in which they are given makes
    no difference. `earlier` are the cards of the last fortnight, by which a topic is new, a
    follow-up or repeated.
    """
    stacks = _stack(articles)
    if not stacks:
        return []
    leads = [stack[0] for stack in stacks]
    texts = _read(leads)
    cards = sorted(earlier, key=lambda card: (card.day, card.headline, card.text, card.path))
    remembered = list(map(_read_card, cards))
    space = _Space([*texts, *remembered])
    judge = _Judge(texts, space)
    pairs = {
        (one, other): alike * judge.credit(one, other)
        for one, other, alike in space.pairs(range(len(texts)))
    }
    memory = _Memory(cards, remembered, space, judge)
    topics = [
        memory.recall(_topic(members, stacks, pairs), members)
        for members in _join(len(texts), pairs)
    ]
    return sorted(
        topics,
        key=lambda t: (-len(t.outlets), -len(t.found), t.first_seen, _order(t.articles[0])),
    )


# --- the same link, the same text ----------------------------------------------------------------


def _order(article: Article) -> tuple[Any, ...]:
    """An order that depends on the articles alone."""
    a = article
    return (
        *(a.seen, a.key, a.url, a.outlet, a.feed, a.title, a.text, a.language, a.author, a.section),
        *(a.weight, a.tags, a.fetched, a.published is None),
    )


def _stack(articles: Iterable[Article]) -> list[list[Article]]:
    """Put articles of one link together, and those of one title and text; the fullest on top.

    Issues of a column that say the same every week stay apart: they differ where nobody looked.
    """
    by_link: dict[str, list[Article]] = {}
    for article in sorted(articles, key=_order):
        by_link.setdefault(article.key or article.url, []).append(article)
    by_text: dict[tuple[str, str], list[list[Article]]] = {}
    for stack in by_link.values():
        stack.sort(key=lambda article: -len(article.text))
        title, text = (" ".join(each.split()) for each in (stack[0].title, stack[0].text))
        own = stack[0].key or stack[0].url
        if len(text) < _COPY or _COLUMN.search(fold_text(title)):
            title, text = own, ""
        by_text.setdefault((title, text), []).append(stack)
    return [
        [same[0][0], *(a for stack in same for a in stack if a is not same[0][0])]
        for same in by_text.values()
    ]


def _topic(
    members: list[int], stacks: list[list[Article]], pairs: dict[tuple[int, int], float]
) -> Topic:
    """One topic of several stacks. The article that is most like all others stands for it; of two
    the fuller one, then the earlier."""

    def rank(n: int) -> tuple[Any, ...]:
        alike = sum(pairs.get((min(n, other), max(n, other)), 0.0) for other in members)
        lead = stacks[n][0]
        return (-round(alike, 6), -min(len(lead.text), LEAD), _order(lead))

    ranked = [stacks[n] for n in sorted(members, key=rank)]
    copies = sorted((article for stack in ranked for article in stack[1:]), key=_order)
    return Topic(tuple(stack[0] for stack in ranked), copies=tuple(copies))


# --- what an article says itself -----------------------------------------------------------------


@dataclass(frozen=True)
class _Text:
    """An article as it is compared: tokens of its title and its text, after what is a habit."""

    title: tuple[str, ...]
    lead: tuple[str, ...]
    is_chinese: bool
    mask: str = ""  # the whole title, digits as #
    numbers: tuple[str, ...] = ()  # the digits of it
    paper: str = ""
    release: str = ""
    outlet: str = ""

    @property
    def tokens(self) -> list[str]:
        return [*self.title * _TITLE, *self.lead]

    @cached_property
    def title_set(self) -> frozenset[str]:
        return frozenset(self.title)

    @cached_property
    def whole_set(self) -> frozenset[str]:
        return frozenset(self.title + self.lead)

    @cached_property
    def versions(self) -> dict[str, set[str]]:
        """The names with a number in the title: the letters before it → what comes then."""
        found: dict[str, set[str]] = defaultdict(set)
        for token in self.title_set:
            if match := _VERSION.fullmatch(token):
                found[match[1]].add(match[2])
        return {
            stem: {v for v in some if not any(w != v and w.startswith(v) for w in some)}
            for stem, some in found.items()
        }

    @cached_property
    def amounts(self) -> tuple[frozenset[str], frozenset[str]]:
        """The numbers of the title that are per cent, and the others."""
        numbers = {token for token in self.title if token[0] == "#"}
        shares = frozenset(token for token in numbers if token.endswith("%"))
        return shares, frozenset(numbers) - shares


def _read(articles: Sequence[Article]) -> list[_Text]:
    titles = [fold_text(article.title) for article in articles]
    texts = [
        [s for m in _SENTENCE.finditer(fold_text(article.text[: 4 * LEAD])) if (s := m[0].strip())]
        for article in articles
    ]
    houses = [article.outlet or article.feed for article in articles]
    pieces, fixed = _habits_of_titles(titles, houses)
    habits = _habits_of_texts(texts, titles, houses)
    found = []
    for article, title, sentences, house in zip(articles, titles, texts, houses, strict=True):
        own = _own_title(title, house, pieces, fixed)
        said = [s for s in sentences if (house, s) not in habits and not s.startswith("the post ")]
        lead = " ".join(said)[:LEAD]
        paper = _PAPER.search(article.key) or _PAPER.search(article.url)
        release = _RELEASE.search(article.key) or _RELEASE.search(article.url)
        title_tokens = tokens_of(own)
        if paper:
            title_tokens.append(f"n:{paper[1]}")
        found.append(
            _Text(
                title=tuple(title_tokens),
                lead=tuple(tokens_of(lead)),
                is_chinese=is_chinese(f"{title} {lead}"),
                mask=_DIGITS.sub("#", title),
                numbers=tuple(_DIGITS.findall(title)),
                paper=paper[1] if paper else "",
                release=unquote(release[0]) if release else "",
                outlet=house,
            )
        )
    return found


def _read_card(card: Earlier) -> _Text:
    headline, text = fold_text(card.headline), fold_text(card.text[: 4 * LEAD])[:LEAD]
    return _Text(
        title=tuple(tokens_of(headline)),
        lead=tuple(tokens_of(text)),
        is_chinese=is_chinese(f"{headline} {text}"),
    )


def _habits_of_titles(titles: list[str], houses: list[str]) -> tuple[set, set]:
    """Pieces of titles that a house uses again and again, and whole titles that do not change
    but for their numbers."""
    pieces: Counter[tuple[str, str]] = Counter()
    whole: Counter[tuple[str, str]] = Counter()
    for title, house in zip(titles, houses, strict=True):
        mask = _DIGITS.sub("#", title)
        whole[house, mask] += 1
        pieces.update((house, piece) for piece in {p for p in _PIECES.split(mask) if p})
    return (
        {key for key, count in pieces.items() if count >= 3 or (count >= 2 and "#" in key[1])},
        {key for key, count in whole.items() if count >= 2},
    )


def _own_title(title: str, house: str, pieces: set, fixed: set) -> str:
    """A title without what is habit in it; empty where nothing else is."""
    mask = _DIGITS.sub("#", title)
    parts = [p for p in _PIECES.split(title) if p]
    kept = [p for p in parts if (house, _DIGITS.sub("#", p)) not in pieces and not _is_column(p)]
    if (house, mask) in fixed and not kept:
        return ""
    return " : ".join(kept)


def _is_column(piece: str) -> bool:
    """Whether a piece of a title names a column: little is left of it beside such words."""
    left = _COLUMN.sub("", piece)
    return left != piece and len(re.sub(r"[\W\d_]|\b(?:the|of|on|in|for|ai|no)\b", "", left)) < 4


def _habits_of_texts(texts: list[list[str]], titles: list[str], houses: list[str]) -> set:
    """Sentences that a house prints under several titles.

    Two suffice where the titles have nothing in common; an article and its update share sentences
    as well, and those are news.
    """
    under: dict[tuple[str, str], set[str]] = defaultdict(set)
    for sentences, title, house in zip(texts, titles, houses, strict=True):
        for sentence in sentences:
            if len(sentence) >= 8 and len(under[house, sentence]) < 3:
                under[house, sentence].add(title)
    habits = set()
    for key, several in under.items():
        if len(several) >= 3:
            habits.add(key)
        elif len(several) == 2:
            one, other = (set(tokens_of(title)) for title in several)
            if len(one & other) * 4 < min(len(one), len(other)):
                habits.add(key)
    return habits


# --- how alike -----------------------------------------------------------------------------------


class _Space:
    """Texts as sparse rows, in which the cosine of two says how alike they are."""

    def __init__(self, texts: Sequence[_Text]) -> None:
        import numpy as np
        from scipy.sparse import diags
        from sklearn.feature_extraction.text import TfidfVectorizer  # a second: only where needed

        self.chinese = np.array([text.is_chinese for text in texts], dtype=bool)
        tokens = [text.tokens or [""] for text in texts]
        vectorizer = TfidfVectorizer(analyzer=_itself, sublinear_tf=True, norm=None)
        rows = vectorizer.fit_transform(tokens).tocsr()
        words = vectorizer.get_feature_names_out()
        rows = rows @ diags([_WEIGHTS.get(word[:1], 0.0) for word in words], format="csr")
        self.all = _at_length_one(rows)
        most = float(vectorizer.idf_.max())
        self.rarity = dict(zip(words, (vectorizer.idf_ / most).tolist(), strict=True))
        # What both languages can say: what some text of each does say, but for characters.
        spoken = [
            np.asarray((rows[mask] != 0).sum(axis=0)).ravel() > 0
            for mask in (self.chinese, ~self.chinese)
        ]
        both = spoken[0] & spoken[1] & np.array([not word.startswith("z:") for word in words])
        self.both = _at_length_one(rows[:, both])

    def pairs(self, among: range) -> Iterator[tuple[int, int, float]]:
        """Every two texts above the floor, the smaller number first, with how alike they are."""
        seen: set[tuple[int, int]] = set()
        for one, other, alike in self.near(among, among):
            pair = (min(one, other), max(one, other))
            if one != other and pair not in seen:
                seen.add(pair)
                yield *pair, alike

    def near(self, rows: range, columns: range) -> Iterator[tuple[int, int, float]]:
        """For each row its nearest columns, by the measure that fits the two languages."""
        chinese = self.chinese[columns.start : columns.stop]
        for start in range(rows.start, rows.stop, ROWS):
            some = slice(start, min(start + ROWS, rows.stop))
            same = _products(self.all[some], self.all[columns.start : columns.stop])
            cross = _products(self.both[some], self.both[columns.start : columns.stop])
            found: dict[int, list[tuple[float, int]]] = defaultdict(list)
            for product, is_same in ((same, True), (cross, False)):
                fits = (self.chinese[some][product.row] == chinese[product.col]) == is_same
                fits &= product.data >= FLOOR
                for row, column, alike in zip(
                    product.row[fits], product.col[fits], product.data[fits], strict=True
                ):
                    # rounded: what a processor adds up in another order must not decide a tie
                    found[int(row)].append((-round(float(alike), 9), int(column)))
            for row in sorted(found):
                for alike, column in sorted(found[row])[: NEIGHBOURS + 1]:
                    yield start + row, columns.start + column, -alike


def _itself(tokens: list[str]) -> list[str]:
    return tokens


def _at_length_one(rows: Any) -> Any:
    """The rows as directions; those without any token stay zero. There may be no column at all,
    as where a day is in one language, and scikit-learn's own refuses that."""
    import numpy as np
    from scipy.sparse import diags

    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    lengths[lengths == 0] = 1.0
    return (diags(1 / lengths) @ rows).tocsr()


def _products(rows: Any, columns: Any) -> Any:
    return (rows @ columns.T).tocoo()


class _Judge:
    """Knows why two articles that sound alike do not tell one story."""

    def __init__(self, texts: Sequence[_Text], space: _Space) -> None:
        self.texts = texts
        self.rarity = space.rarity
        self.turns = turns()

    def credit(self, one: int, other: int) -> float:
        """What to multiply likeness by: 1 where nothing speaks against it, 0 where much does.

        Minus infinity keeps two out of one topic whoever else is in it; -1 is a vote against,
        which many that agree can outvote.
        """
        a, b = self.texts[one], self.texts[other]
        if self.are_editions(a, b):
            return -math.inf
        if self.are_apart(a, b):
            return -1
        credit = self.evidence(a, b)
        if a.outlet == b.outlet:
            # Hardly any tells one story twice a day, and all have habits of wording: only an
            # article that says nearly all of the other's title is about the same.
            credit *= min(self.coverage(a.title, b), self.coverage(b.title, a)) ** 2
        return credit

    def memory(self, article: _Text, card: _Text) -> float:
        """What to multiply the likeness of an article and an earlier card by, 0 to 1.

        Of one article a day nobody can tell what its house says every day, and its cards say that
        as well: so the card has to know the article's title. Two languages share little of a
        title; there it is enough that the article knows the card's.
        """
        told = self.coverage(article.title, card)
        if article.is_chinese != card.is_chinese:
            told = max(told, self.coverage(card.title, article))
        return self.evidence(article, card) * min(1.0, told / TOLD)

    def are_editions(self, a: _Text, b: _Text) -> bool:
        """Whether the two are of one series: other papers, versions, issues of a column."""
        if a.paper and b.paper and a.paper != b.paper:
            return True
        if a.release and b.release and a.release != b.release:
            return True
        if a.mask == b.mask and a.numbers != b.numbers:
            return True  # another version, another issue of a column
        # Of one outlet and one title: two issues of a column without a number.
        return a.outlet == b.outlet and a.mask == b.mask and not self._repeat(a, b)

    def are_apart(self, a: _Text, b: _Text) -> bool:
        """Whether titles contradict each other: in what was done, to which of a name, how much."""
        if self._turn(a, b) or self._turn(b, a) or self._name_another(a, b):
            return True
        return any(
            here and there and not here & b.whole_set and not there & a.whole_set
            for here, there in zip(a.amounts, b.amounts, strict=True)
        )

    def _turn(self, a: _Text, b: _Text) -> bool:
        """Whether one denies, calls off or puts off in its title what the other does not."""
        taken = (a.title_set & self.turns) - b.whole_set
        if a.is_chinese != b.is_chinese:
            taken -= {NOT}  # languages differ in what they say with a no
        return bool(taken)

    def _repeat(self, a: _Text, b: _Text) -> bool:
        """Whether one prints again what the other said, at some length."""
        short = min(len(a.lead), len(b.lead))
        known = min(self.coverage(a.lead, b), self.coverage(b.lead, a))
        return short >= _LENGTH and known >= _AGAIN

    def _name_another(self, a: _Text, b: _Text) -> bool:
        """Whether the titles are about another version, model or part of one name.

        `GPT-5.1` and `GPT-5.2` are two, `GPT-5` and `GPT-5.2` may be one.
        """
        for stem in a.versions.keys() & b.versions.keys():
            here, there = a.versions[stem], b.versions[stem]
            if any(
                one.startswith(other) or other.startswith(one) for one in here for other in there
            ):
                continue
            names = {f"n:{stem}{version}" for version in here}, {f"n:{stem}{v}" for v in there}
            if not names[0] & b.whole_set and not names[1] & a.whole_set:
                return True
        return False

    def evidence(self, a: _Text, b: _Text) -> float:
        """How much the likeness of two texts rests on, 0 (a word or two) to 1 (enough).

        A short text that shares its one idea with another is much like it and proves nothing;
        most of all across languages, where all that is compared are a few tokens.
        """
        shared = a.whole_set & b.whole_set
        # exact, as a set comes in another order in another process
        found = math.fsum(_EVIDENCE[token[0]] * self.rarity.get(token, 0.0) for token in shared)
        if a.is_chinese != b.is_chinese:
            kinds = Counter(token[0] for token in shared)
            # One name says who, not what happened; ideas alone do not say who.
            names, facts = kinds["n"] + kinds["w"], kinds["c"] + kinds["#"]
            if not names + kinds["#"] or (not facts and names < 3):
                found /= 2
        return min(1.0, found / ENOUGH)

    def coverage(self, said: Iterable[str], text: _Text) -> float:
        """How much of what is said, by weight, stands in a text, 0 to 1.

        Characters count where the text is in Chinese: others cannot contain them.
        """
        total = known = 0.0
        for token in said:
            if token[0] != "z" or text.is_chinese:
                weight = _WEIGHTS[token[0]] * self.rarity.get(token, 0.0)
                total += weight
                known += weight * (token in text.whole_set)
        return known / total if total else 0.0


# --- together ------------------------------------------------------------------------------------


def _join(count: int, pairs: dict[tuple[int, int], float]) -> list[list[int]]:
    """Join what is alike on average, the most alike first."""
    near: dict[int, dict[int, float]] = defaultdict(dict)
    for (one, other), alike in pairs.items():
        near[one][other] = near[other][one] = alike
    members = {n: [n] for n in range(count)}
    heap = [(-alike, one, other) for (one, other), alike in pairs.items() if alike >= SAME]
    heapify(heap)
    while heap:
        alike, one, other = heappop(heap)
        if one not in members or other not in members:
            continue
        total = near[one].get(other)
        if total is None or -alike != total / (len(members[one]) * len(members[other])):
            continue  # an entry from before one of them grew
        members[one] += members.pop(other)
        for third, more in near.pop(other).items():
            del near[third][other]
            if third != one:
                near[one][third] = near[third][one] = near[one].get(third, 0.0) + more
        for third, total in near[one].items():
            mean = total / (len(members[one]) * len(members[third]))
            if mean >= SAME:
                heappush(heap, (-mean, min(one, third), max(one, third)))
    return [sorted(some) for some in members.values()]


# --- what ran before -----------------------------------------------------------------------------


class _Memory:
    """The cards of the last fortnight, and which of them a topic continues."""

    def __init__(self, cards: list[Earlier], texts: list[_Text], space: _Space, judge: _Judge):
        self.cards = cards
        self.links: dict[str, list[int]] = defaultdict(list)
        for n, card in enumerate(cards):
            for link in dict.fromkeys(map(_plain, card.urls)):
                self.links[link].append(n)
        self.judge, self.texts = judge, texts
        self.near: dict[int, dict[int, float]] = defaultdict(dict)
        if cards:
            first = len(judge.texts)
            for row, n, alike in space.near(range(first), range(first, first + len(cards))):
                self.near[row][n - first] = alike * judge.memory(judge.texts[row], texts[n - first])

    def recall(self, topic: Topic, rows: list[int]) -> Topic:
        """The topic with its novelty and, unless it is new, the card where it last ran.

        It is repeated where most of its links stood under that card, or where its articles say
        much the same and take no turn; a follow-up where the story is that of the card.
        """
        links = {_plain(url) for a in topic.found for url in (a.key, a.url)}
        known = Counter(n for link in links for n in self.links.get(link, ()))
        alike = {n for row in rows for n, value in self.near[row].items() if value >= RAN}
        if not known and not alike:
            return topic
        n = max(known.keys() | alike)  # the latest
        is_known = known[n] * 2 >= len({_plain(a.key or a.url) for a in topic.found})
        novelty: Novelty = "repeated" if is_known or self._says_all(n, rows) else "follow-up"
        return replace(topic, novelty=novelty, earlier=self.cards[n])

    def _says_all(self, n: int, rows: list[int]) -> bool:
        """Whether a card says what the articles say, none of which takes a turn."""
        card = self.texts[n]
        texts = [self.judge.texts[row] for row in rows]
        if any(self.judge.are_apart(text, card) for text in texts):
            return False
        parts = (part for text in texts for part in (text.title, text.lead) if part)
        known = [self.judge.coverage(part, card) for part in parts]
        return sum(known) >= REPEATED * len(known)


def _plain(url: str) -> str:
    """A link without what may differ between two of one page."""
    found = _PAPER.search(url)
    if found:
        return f"arxiv.org/abs/{found[1]}"
    url = re.sub(r"^https?://(?:www\.|m\.)?", "", url.strip(), flags=re.IGNORECASE)
    host, slash, path = url.partition("#")[0].partition("/")
    return f"{host.casefold()}{slash}{path}".rstrip("/")
