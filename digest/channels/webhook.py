"""An edition is announced with a signed POST to an address of the desk's choice.

The bodies for chat programs are their own shapes and carry a headline and a link; ours carries the
edition. Receivers of ours check `Copydesk-Signature: t=<seconds>,v1=<hex>`: the HMAC-SHA256 of the
time, a full stop and the body, with the secret as the key. They refuse old times, and they drop an
`Idempotency-Key` they have had before: a POST whose answer got lost is sent again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from digest import outgoing
from digest.channels.parcel import Message, Parcel, Undeliverable

#: How much of an answer a receipt keeps, in characters.
ANSWER_KEPT = 200
#: Codes below 500 after which another try may do better.
PASSING = {408, 425, 429}


class Config(BaseModel):
    """Where to send, and in which shape. Only our own shape is signed and needs a `secret`.

    `alarms` has the desk's alarms sent there, too. `timeout` is for one POST, in seconds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(max_length=2000)
    secret: str = Field("", max_length=200, repr=False)
    body: Literal["copydesk", "slack", "discord", "teams"] = "copydesk"
    alarms: bool = False
    timeout: int = Field(20, ge=1, le=60)

    @field_validator("url")
    @classmethod
    def _leads_somewhere(cls, url: str) -> str:
        try:
            outgoing.target_of(url)
        except outgoing.Refused as refusal:
            raise ValueError(str(refusal)) from None
        return url

    @model_validator(mode="after")
    def _has_a_secret(self) -> Config:
        if self.body == "copydesk" and len(self.secret) < 16:
            raise ValueError('the body "copydesk" is signed: a secret has 16 characters or more')
        return self


def deliver(parcel: Parcel, config: Config) -> dict[str, Any]:
    """Announce the edition."""
    return _send(
        config,
        key=parcel.key,
        event="edition.published",
        ours=_values_of(parcel)
        | {"document": parcel.document, "content": parcel.content.decode("utf-8", "replace")},
        headline=f"{parcel.desk_title}: {parcel.title}",
        text=parcel.correction,
        url=parcel.url,
    )


def withdraw(parcel: Parcel, config: Config) -> dict[str, Any]:
    """Announce that the edition is not out any more."""
    return _send(
        config,
        key=parcel.key,
        event="edition.withdrawn",
        ours=_values_of(parcel),
        headline=f"{parcel.desk_title}: withdrawn: {parcel.title}",
        text=parcel.correction,
        url=parcel.url,
    )


def tell(message: Message, config: Config) -> dict[str, Any]:
    """Send an alarm on. The receipt is empty where the channel is not for alarms."""
    if not config.alarms:
        return {}
    return _send(
        config,
        key=message.key,
        event="alarm",
        ours={
            "desk": message.desk,
            "desk_title": message.desk_title,
            "kind": message.kind,
            "subject": message.subject,
            "text": message.text,
            "url": message.url,
        },
        headline=message.subject,
        text="" if message.text in message.subject else message.text,
        url=message.url,
    )


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The value of `Copydesk-Signature` for a body sent at a time (seconds since 1970)."""
    code = hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={code}"


# --- shapes --------------------------------------------------------------------------------------


def slack(headline: str, text: str, url: str) -> dict[str, Any]:
    """Slack's, with the three characters escaped that mean something to it."""

    def plain(words: str) -> str:
        return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    link = url.replace("|", "%7C").replace(">", "%3E").replace("<", "%3C").replace("&", "&amp;")
    first = f"<{link}|{plain(headline)}>" if url else plain(headline)
    return {"text": "\n".join(filter(None, (first, plain(text))))}


def discord(headline: str, text: str, url: str) -> dict[str, Any]:
    """Discord's: 2,000 characters at most, and nobody is called by an @ in a headline."""
    lines = [_without_markdown(headline)[:500], url[:500], _without_markdown(text)[:900]]
    return {"content": "\n".join(filter(None, lines)), "allowed_mentions": {"parse": []}}


def teams(headline: str, text: str, url: str) -> dict[str, Any]:
    """Teams': an adaptive card in a message, as its workflows take it."""
    blocks = [{"type": "TextBlock", "text": _without_markdown(headline), "weight": "bolder"}]
    if text:
        blocks.append({"type": "TextBlock", "text": _without_markdown(text)})
    card: dict[str, Any] = {
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [block | {"wrap": True} for block in blocks],
    }
    if url:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open", "url": url}]
    content_type = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": content_type, "content": card}]}


SHAPES: dict[str, Callable[[str, str, str], dict[str, Any]]] = {
    "slack": slack,
    "discord": discord,
    "teams": teams,
}


def _without_markdown(words: str) -> str:
    return re.sub(r"([\\*_`~|\[\]()#<>])", r"\\\1", words)


def _values_of(parcel: Parcel) -> dict[str, Any]:
    return {
        "desk": parcel.desk,
        "desk_title": parcel.desk_title,
        "day": parcel.day.isoformat(),
        "edition": parcel.number,
        "slug": parcel.slug,
        "title": parcel.title,
        "sha256": parcel.sha256,
        "correction": parcel.correction,
        "url": parcel.url,
    }


# --- sending -------------------------------------------------------------------------------------


def _send(
    config: Config,
    *,
    key: str,
    event: str,
    ours: dict[str, Any],
    headline: str,
    text: str,
    url: str,
) -> dict[str, Any]:
    """POST it; the receipt tells what was answered and has the hash of the body that was sent."""
    shape = SHAPES.get(config.body)
    values = shape(headline, text, url) if shape else {"event": event, "key": key} | ours
    body = json.dumps(values, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": key}
    if not shape:
        headers["Copydesk-Event"] = event
        headers["Copydesk-Signature"] = signature(config.secret, int(time.time()), body)
    place = outgoing.target_of(config.url)
    try:
        answer = outgoing.post(config.url, body=body, headers=headers, timeout=config.timeout)
    except outgoing.Refused as refusal:
        raise Undeliverable(str(refusal), is_final=True) from None
    except outgoing.NoAnswer as silence:
        raise Undeliverable(str(silence)) from None
    said = " ".join(answer.body.decode("utf-8", "replace").replace("\0", "").split())
    said = said[:ANSWER_KEPT]
    if 200 <= answer.status < 300:
        return {
            "status": answer.status,
            "answer": said,
            "sha256": hashlib.sha256(body).hexdigest(),
        }
    if 300 <= answer.status < 400:
        raise Undeliverable(
            f"{place} answered {answer.status} and sends elsewhere, which is not followed; "
            f"name the last address itself",
            is_final=True,
        )
    raise Undeliverable(
        f"{place} answered {answer.status}" + (f": {said}" if said else ""),
        is_final=answer.status < 500 and answer.status not in PASSING,
    )
