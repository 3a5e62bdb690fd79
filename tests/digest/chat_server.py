"""A model on the loopback: answers `/chat/completions` from the articles it is given."""

from __future__ import annotations

import json
import re
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.digest.servers import answer, served

#: Is told the number of the request and a good answer, and says what is answered; an answer in
#: bytes is sent as it is.
Spoil = Callable[[int, str], str | bytes]
#: What each answer is said to have taken.
TOKENS_IN, TOKENS_OUT = 1000, 100


@dataclass
class Chat:
    """The server's memory: the first title in each request, in order.

    `delay` is how long an answer takes, in seconds.
    """

    spoil: Spoil = lambda _number, good: good
    delay: float = 0.0
    port: int = 0
    asked: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


@contextmanager
def chat_server(**behaviour) -> Iterator[Chat]:
    """The server for as long as the block lasts."""
    chat = Chat(**behaviour)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            headers = b""
            while (line := self.rfile.readline()).strip():
                headers += line
            length = int(re.search(rb"content-length: (\d+)", headers, re.IGNORECASE)[1])
            body = json.loads(self.rfile.read(length))
            title, text = _first_article(body["messages"][1]["content"])
            with chat.lock:
                chat.asked.append(title)
                number = len(chat.asked)
            time.sleep(chat.delay)
            with suppress(OSError):  # whoever asked is dead
                self.wfile.write(_said(chat.spoil(number, _good(title, text))))

    with served(Handler) as port:
        chat.port = port
        yield chat


def _first_article(asked: str) -> tuple[str, str]:
    found = re.search(r"={3}[0-9a-f]{20}={3}\n(?:\d+\. )?(.*)\n\n?(.*)", asked)
    return found[1], found[2]


def _good(title: str, text: str) -> str:
    """An answer for a card and for an insight."""
    good = {
        "headline": headline_of(title),
        "summary": f"這則新聞的原文是這樣說的：{text[:60]}，其餘請看來源。",
        "details": [],
        "title": "模型寫的一天",
        "description": "模型寫的說明。",
        "passages": [{"title": t, "paragraphs": ["今天的卡片如上。"]} for t in "甲乙丙"],
    }
    return json.dumps(good, ensure_ascii=False)


def headline_of(title: str) -> str:
    """What it calls the card of a topic whose first article has this title."""
    return f"模型寫的標題：{title}"


def _said(said: str | bytes) -> bytes:
    if isinstance(said, bytes):
        return said
    usage = {"prompt_tokens": TOKENS_IN, "completion_tokens": TOKENS_OUT}
    choice = {"message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
    return answer(200, json.dumps({"choices": [choice], "usage": usage}).encode())
