"""The machines' door: `POST /api/drafts/`, JSON or Markdown, a token per machine.

Errors are problem+json (RFC 9457); what is wrong with a draft comes as a list of
`{where, line, reason}`.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.urls import reverse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError
from ninja.security import HttpBearer

from digest.document import Document
from digest.intake import MEDIA_TYPES, Unacceptable, receive
from digest.models import Draft, MachineToken


class MachineKey(HttpBearer):
    """`Authorization: Bearer cdk_…`, as made by `manage.py machine_token`."""

    def authenticate(self, request: HttpRequest, token: str) -> MachineToken | None:
        return MachineToken.holder(token)


api = NinjaAPI(
    title="Copydesk",
    version="1",
    description="Machines deliver drafts here; people decide what becomes of them.",
    auth=MachineKey(),
    docs_url=None,  # the page would load its scripts from outside
    urls_namespace="api",
)


class ProblemOut(Schema):
    """What could not be read, and why. `line` counts from 1 and is empty for JSON."""

    where: str
    line: int | None
    reason: str


class DeviationOut(Schema):
    """What was not in the dialect and was read all the same."""

    line: int | None
    text: str


class DraftOut(Schema):
    """What became of a draft."""

    draft: int
    sha256: str
    state: str
    issue: str | None
    deviations: list[DeviationOut]
    problems: list[ProblemOut]


class ErrorOut(Schema):
    """A problem+json body."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    problems: list[ProblemOut] = []


def problem(status: int, title: str, detail: str = "", problems: list | None = None):
    """A problem+json answer."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JsonResponse(
        body | ({"problems": problems} if problems else {}),
        status=status,
        content_type="application/problem+json",
        json_dumps_params={"ensure_ascii": False},
        headers={"WWW-Authenticate": "Bearer"} if status == 401 else {},
    )


@api.exception_handler(AuthenticationError)
def _no_key(request: HttpRequest, error: Exception) -> HttpResponse:
    return problem(401, "No valid token", "Send a machine's token as Authorization: Bearer cdk_….")


# Ninja's components are made from its own types; those of the document stand with its schema.
_DEFINITIONS = (
    "#/paths/~1api~1drafts~1/post/requestBody/content/application~1json/schema/$defs/{model}"
)


@api.exception_handler(MultiPartParserError)
@api.exception_handler(SuspiciousOperation)
def _garbled(request: HttpRequest, error: Exception) -> HttpResponse:
    return problem(400, "The request could not be read", str(error))


_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": Document.model_json_schema(ref_template=_DEFINITIONS)},
            "text/markdown": {"schema": {"type": "string"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["draft"],
                    "properties": {
                        "draft": {"type": "string", "format": "binary"},
                        "cover": {"type": "string", "format": "binary"},
                    },
                }
            },
        },
    }
}


@api.post(
    "/drafts/",
    response={
        200: DraftOut,
        201: DraftOut,
        401: ErrorOut,
        413: ErrorOut,
        415: ErrorOut,
        422: ErrorOut,
    },
    openapi_extra=_BODY,
    summary="Deliver a draft",
)
def deliver_draft(request: HttpRequest) -> Any:
    """201 when the draft landed, 200 when it was known already, 422 with the reasons when it could
    not be filed. It is kept in each case. A draft some of whose cards are bad lands without them
    and lists them under `problems`.
    """
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit():
        return problem(400, "The request could not be read", "Content-Length is not a number.")
    if int(length) > settings.DRAFT_LIMIT + _ENVELOPE:
        return _too_large()
    kind = (request.content_type or "").lower()
    name, cover = "", None
    if kind == "multipart/form-data":
        upload = request.FILES.get("draft")
        if upload is None:
            return problem(422, "No draft", "Send the draft as the file field “draft”.")
        name = upload.name or ""
        kind = MEDIA_TYPES.get("." + name.rpartition(".")[2].lower(), upload.content_type)
        content = upload.read()
        if "cover" in request.FILES:
            cover = request.FILES["cover"].read()
    else:
        content = request.body
    if kind not in set(MEDIA_TYPES.values()):
        known = ", ".join(sorted(set(MEDIA_TYPES.values())))
        return problem(415, "Unknown media type", f"{kind or 'none'} given; send one of {known}.")
    if len(content) > settings.DRAFT_LIMIT:
        return _too_large()
    token: MachineToken = request.auth  # type: ignore[attr-defined]  ninja puts it there
    try:
        receipt = receive(
            desk=token.desk,
            content=content,
            media_type=kind,
            by=token.user,
            name=name,
            cover=cover,
        )
    except Unacceptable as refusal:
        return problem(422, "Unacceptable", str(refusal))
    draft = receipt.draft
    if draft.state == Draft.State.REFUSED:
        return problem(
            422, "The draft could not be filed", "It is kept as it came.", _problems(draft)
        )
    return JsonResponse(
        {
            "draft": draft.pk,
            "sha256": draft.sha256,
            "state": draft.state,
            "issue": reverse("issue", args=[token.desk.slug, draft.issue.date])
            if draft.issue
            else None,
            "deviations": draft.deviations,
            "problems": _problems(draft),
        },
        status=201 if receipt.landed else 200,
        json_dumps_params={"ensure_ascii": False},
    )


_ENVELOPE = 6 * 1024 * 1024  # bytes around a draft: a cover, the multipart boundaries


def _too_large() -> HttpResponse:
    return problem(
        413, "Too large", f"A draft has at most {settings.DRAFT_LIMIT // 1024 // 1024} MB."
    )


def _problems(draft: Draft) -> list[dict]:
    return [{k: p[k] for k in ("where", "line", "reason")} for p in draft.problems]
