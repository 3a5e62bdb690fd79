"""A day's articles, as many as wanted: what the machine is measured with.

Real days are mostly one-off articles with some stories that many outlets tell, now and then the
same link twice. Names are made of syllables, so that no two stories share them by accident; what
is common to all (the words of the trade, footers, columns) is common here too.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from digest.drafting.articles import Article

NOW = datetime(2026, 2, 12, 22, 0, tzinfo=UTC)
OUTLETS = [f"Outlet {n}" for n in range(1, 37)]
FOOTER = "Subscribe to our newsletter for full access to interviews, podcasts and analysis. "
_SYLLABLES = "ka lo mi ter ven dra sol qui ban fen zor lu pex tri nor gal hes rin dot mav"
_CHARACTERS = "星河雲嶺松石海橋風光谷林青城北岸山月金華安平東和大同永新明遠立方正德智慧微動創科源"
_DEEDS = [
    ("launches", "推出", "推出"),
    ("acquires", "收購", "收购"),
    ("raises money for", "募資發展", "融资发展"),
    ("sues over", "控告", "起诉"),
    ("delays", "延後", "推迟"),
    ("opens up the weights of", "開放權重", "开源"),
    ("cuts the price of", "調降價格", "下调价格"),
    ("fixes a vulnerability in", "修補漏洞", "修复漏洞"),
]
_THINGS = [
    ("language model", "語言模型", "语言模型"),
    ("data center chip", "資料中心晶片", "数据中心芯片"),
    ("humanoid robot", "人形機器人", "人形机器人"),
    ("vector database", "向量資料庫", "向量数据库"),
    ("speech model", "語音模型", "语音模型"),
    ("coding agent", "程式代理", "编程智能体"),
    ("video generator", "影片生成工具", "视频生成工具"),
    ("weather forecast", "氣象預報", "天气预报"),
]
_FILLER = (
    "customers partners deadline quarter engineers latency budget evaluation memory pipeline users "
    "license retrieval kernel cluster gradient sensor clinic factory museum harbour orchard court "
    "teacher student voice camera network storage satellite battery protein enzyme traffic bridge"
)


def make_articles(count: int, seed: int = 0) -> list[Article]:
    """So many articles in a random order, the same for the same seed.

    About one in five belongs to a story of two to eight; about one in six is a link that came
    before, by another feed.
    """
    luck = random.Random(seed)
    articles: list[Article] = []
    while len(articles) < count:
        story = _Story(luck)
        tellers = luck.randint(2, 8) if luck.random() < 0.06 else 1
        for outlet in luck.sample(OUTLETS, tellers):
            articles.append(story.told(len(articles), outlet, luck))
        if luck.random() < 0.25:
            again = luck.choice(articles)
            articles.append(_by_another_feed(again))
    articles = articles[:count]
    luck.shuffle(articles)
    return articles


def _by_another_feed(article: Article) -> Article:
    return Article(
        url=article.url + "?utm_source=feed",
        key=article.key,
        title=article.title,
        text="",
        fetched=article.fetched,
        published=article.published,
        outlet="Links of the day",
        feed="links",
        language=article.language,
    )


class _Story:
    def __init__(self, luck: random.Random) -> None:
        self.who = "".join(luck.choices(_SYLLABLES.split(), k=3)).title()
        self.what = (
            "".join(luck.choices(_SYLLABLES.split(), k=2)).title() + f"-{luck.randint(2, 99)}"
        )
        self.where = "".join(luck.choices(_CHARACTERS, k=3))
        self.deed, self.thing = luck.choice(_DEEDS), luck.choice(_THINGS)
        self.amount, self.share = luck.randint(2, 980), luck.randint(3, 97)
        self.details = luck.sample(_FILLER.split(), 12)
        self.characters = "".join(luck.choices(_CHARACTERS, k=60))

    def told(self, number: int, outlet: str, luck: random.Random) -> Article:
        """The story as one outlet has it, in one of three languages."""
        language = luck.choices(["en", "zh-Hant", "zh-Hans"], [5, 3, 2])[0]
        if language == "en":
            title = f"{self.who} {self.deed[0]} {self.thing[0]} {self.what}"
            some = luck.sample(self.details, 8)
            text = (
                f"{self.who} said its {self.thing[0]} {self.what} reaches {self.share}% on "
                f"{some[0]} and {some[1]}. The plan costs {self.amount} million dollars and "
                f"touches {', '.join(some[2:5])}. Observers mention {' and '.join(some[5:])}. "
            )
            text = text * luck.randint(1, 3) + FOOTER * (number % 4 == 0)
        else:
            column = 1 if language == "zh-Hant" else 2
            at = luck.randrange(20)
            own = self.characters[at : at + 30]
            title = f"{self.who} {self.deed[column]}{self.thing[column]} {self.what}"
            text = (
                f"{self.where}的 {self.who} 表示，{self.thing[column]} {self.what} 達到 "
                f"{self.share}%。{own[:15]}，計畫金額為 {self.amount / 100:g} 億美元。{own[15:]}。"
            )
        url = f"https://{outlet.replace(' ', '-').lower()}.example.org/{number}"
        return Article(
            url=url,
            key=url,
            title=title,
            text=text,
            fetched=NOW,
            published=NOW - timedelta(minutes=luck.randrange(26 * 60)),
            outlet=outlet,
            feed=outlet,
            language=language,
        )
