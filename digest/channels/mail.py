"""An edition goes to the desk's own people by mail, and so do its alarms.

Each recipient gets a message of their own, so that one refused address does not keep the others
from theirs. Mail cannot be taken back. A death between the server's "accepted" and our record of it
sends a message twice, under one Message-ID: mail programs show such once.
"""

from __future__ import annotations

import hashlib
import re
import smtplib
import time
from collections.abc import Callable
from email import encoders
from email.mime.base import MIMEBase
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.validators import validate_email
from pydantic import BaseModel, ConfigDict, Field, field_validator

from digest.channels.parcel import Message, Parcel, Undeliverable

#: Seconds after which no further recipient is begun; the rest is for the next try.
BUDGET = 60
ACCEPTED = "accepted"


class Config(BaseModel):
    """`proof` has editions mailed, `alarms` the desk's alarms; both by themselves are on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    to: tuple[str, ...] = Field(min_length=1, max_length=50)
    proof: bool = True
    alarms: bool = True

    @field_validator("to")
    @classmethod
    def _are_addresses(cls, to: tuple[str, ...]) -> tuple[str, ...]:
        for address in to:
            try:
                validate_email(address)
            except ValidationError:
                raise ValueError(f"{address!r} is no mail address") from None
            if not address.isascii():
                raise ValueError(f"{address!r} has letters that not every mail server takes")
        if len({address.lower() for address in to}) < len(to):
            raise ValueError("an address stands here twice")
        return to


def deliver(parcel: Parcel, config: Config) -> dict[str, Any]:
    """Mail the edition to all who have not had it; the receipt says who has.

    Raises `Undeliverable` with the receipt so far if anybody was left out.
    """
    if not config.proof:
        return {}
    had = parcel.receipt.get("recipients", {})
    results = {address: ACCEPTED for address in config.to if had.get(address) == ACCEPTED}
    left = [address for address in config.to if address not in results]
    failures = _send(left, lambda address: _edition_for(address, parcel), results)
    if failures:
        raise Undeliverable(
            _sentence(failures),
            is_final=all(is_final for _, is_final in failures.values()),
            receipt={"recipients": results},
        )
    return {"recipients": results}


def tell(message: Message, config: Config) -> dict[str, Any]:
    """Mail an alarm. It has worked if anybody got it: the others would not see it by repeating it.

    The receipt is empty where the channel is not for alarms.
    """
    if not config.alarms:
        return {}
    results: dict[str, str] = {}
    failures = _send(config.to, lambda address: _alarm_for(address, message), results)
    if ACCEPTED not in results.values():
        raise Undeliverable(
            _sentence(failures), is_final=all(is_final for _, is_final in failures.values())
        )
    return {"recipients": results}


# --- messages ------------------------------------------------------------------------------------


def _edition_for(address: str, parcel: Parcel) -> EmailMessage:
    lines = [
        parcel.title,
        f"{parcel.day}, edition {parcel.number}",
        parcel.url,
        parcel.correction and f"\n{parcel.correction}",
        f"\nsha256 of {parcel.slug}.md: {parcel.sha256}",
    ]
    subject = f"{parcel.desk_title}: {parcel.title}"
    message = _message(address, parcel.key, subject, "\n".join(filter(None, lines)))
    # As base64: a line end that a server changes would change the hash.
    file = MIMEBase("text", "markdown", charset="utf-8")
    file.set_payload(parcel.content)
    encoders.encode_base64(file)
    file.add_header("Content-Disposition", "attachment", filename=f"{parcel.slug}.md")
    message.attach(file)
    return message


def _alarm_for(address: str, alarm: Message) -> EmailMessage:
    text = "\n\n".join(filter(None, (alarm.text, alarm.url)))
    return _message(address, alarm.key, alarm.subject, text)


def _message(address: str, key: str, subject: str, text: str) -> EmailMessage:
    return EmailMessage(
        # A title may hold a line break, and a subject must not.
        subject=" ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", subject).split())[:200],
        body=text,
        to=[address],
        headers={"Message-ID": message_id(key, address), "Auto-Submitted": "auto-generated"},
    )


def message_id(key: str, address: str) -> str:
    """The Message-ID of what is sent to somebody: the same at every try."""
    name = hashlib.sha256(f"{key}\0{address.lower()}".encode()).hexdigest()[:40]
    return f"<{name}@{urlsplit(settings.SITE_URL).hostname}>"


# --- sending -------------------------------------------------------------------------------------


def _send(
    to: list[str] | tuple[str, ...],
    message_for: Callable[[str], EmailMessage],
    results: dict[str, str],
) -> dict[str, tuple[str, bool]]:
    """Send to each, and enter into `results` how it went; answers with what failed.

    A failure is a sentence and whether it is for good.
    """
    if not to:
        return {}
    if settings.EMAIL_BACKEND.endswith((".console.EmailBackend", ".dummy.EmailBackend")):
        raise Undeliverable(
            "mail goes nowhere: the environment names no EMAIL_HOST",
            receipt={"recipients": results},
        )
    failures: dict[str, tuple[str, bool]] = {}
    started = time.monotonic()
    connection = get_connection()
    try:
        for address in to:
            if time.monotonic() - started > BUDGET:
                failures[address] = ("not begun, the server was too slow", False)
                continue
            try:
                connection.open()
                connection.send_messages([message_for(address)])
            except Exception as error:
                # Whatever it is, the worker's own time limit too: who has it must be remembered.
                failures[address] = _failure_of(error)
                if not isinstance(error, smtplib.SMTPRecipientsRefused):
                    connection.close()  # in an unknown state; the next one gets a new one
            else:
                results[address] = ACCEPTED
    finally:
        connection.close()
    results |= {address: sentence for address, (sentence, _) in failures.items()}
    return failures


def _failure_of(error: Exception) -> tuple[str, bool]:
    """What a server said of one recipient, and whether it says so for good."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        return f"{code} {_text(said)}", code >= 500
    if isinstance(error, smtplib.SMTPResponseException):
        # A refused sender or password is the operator's to mend, not for good.
        is_final = isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500
        return f"{error.smtp_code} {_text(error.smtp_error)}", is_final
    expected = isinstance(error, OSError | smtplib.SMTPException) and str(error)
    return str(error) if expected else f"{type(error).__name__}: {error}", False


def _text(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.replace("\0", "").split())[:200]


def _sentence(failures: dict[str, tuple[str, bool]]) -> str:
    named = "; ".join(f"{address}: {sentence}" for address, (sentence, _) in failures.items())
    return f"mail was not accepted for {named}"
