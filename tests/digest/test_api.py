"""The machines' door: who may deliver, what is answered, and that nothing is lost on the way."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from digest import hugo, rows
from digest.models import Draft, Event, Issue, MachineToken, sha256
from digest.publishing import machine_account
from editorial import queue
from tests.conftest import COVER, cards_of

pytestmark = pytest.mark.django_db

URL = "/api/drafts/"
MARKDOWN, JSON = "text/markdown", "application/json"


@pytest.fixture
def key(desk) -> str:
    return MachineToken.issue(desk=desk, user=machine_account("machine"), name="test")[1]


@pytest.fixture
def post(key):
    """Deliver bytes as a machine with a valid token does."""
    client = Client(enforce_csrf_checks=True)

    def deliver(content: bytes, media_type: str = MARKDOWN, **headers):
        return client.post(
            URL,
            content,
            content_type=media_type,
            headers={"Authorization": f"Bearer {key}"} | headers,
        )

    return deliver


@pytest.fixture
def post_form(key):
    """Deliver a form with files."""

    def deliver(**files):
        return Client(enforce_csrf_checks=True).post(
            URL, files, headers={"Authorization": f"Bearer {key}"}
        )

    return deliver


def assert_problem(answer, status: int) -> dict:
    """The answer is a problem as RFC 9457 has it; its body."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["title"]
    return body


# --- what is answered ----------------------------------------------------------------------------


def test_a_draft_lands_and_is_known_the_second_time(post, sample):
    first = post(sample)
    assert first.status_code == 201
    body = first.json()
    assert body["state"] == "landed"
    assert body["sha256"] == sha256(sample)
    assert body["issue"] == "/desk/daily/2026-02-12/"
    assert (body["problems"], body["deviations"]) == ([], [])
    before = Event.objects.count()
    again = post(sample)
    assert again.status_code == 200
    assert again.json() == body
    assert (Draft.objects.count(), Event.objects.count()) == (1, before)
    assert bytes(Draft.objects.get().payload) == sample


def test_a_draft_in_json_lands_with_the_same_proof(post, sample):
    answer = post(hugo.read(sample).model_dump_json().encode(), JSON)
    assert answer.status_code == 201
    assert queue.case_of_issue(Issue.objects.get().pk).proof.sha256 == sha256(sample)


@pytest.mark.parametrize("media_type", ["text/markdown; charset=utf-8", "TEXT/MARKDOWN"])
def test_the_media_type_may_be_written_in_several_ways(media_type, post, sample):
    assert post(sample, media_type).status_code == 201


def test_a_form_brings_the_cover_along(post_form, sample):
    answer = post_form(
        draft=SimpleUploadedFile("2026-02-12-ai-daily.md", sample),
        cover=SimpleUploadedFile("cover.png", COVER.read_bytes()),
    )
    assert answer.status_code == 201
    assert bytes(Issue.objects.get().cover.content) == COVER.read_bytes()
    assert Draft.objects.get().name == "2026-02-12-ai-daily.md"


def test_a_form_brings_json_too(post_form, sample):
    content = hugo.read(sample).model_dump_json().encode()
    assert post_form(draft=SimpleUploadedFile("a.json", content)).status_code == 201
    assert queue.case_of_issue(Issue.objects.get().pk).proof.sha256 == sha256(sample)


def test_a_draft_with_a_bad_card_lands_without_it_and_lists_it(post, sample):
    bad = sample.replace("**重要性**：高".encode(), "**重要性**：非常高".encode(), 1)
    answer = post(bad)
    assert answer.status_code == 201
    [found] = answer.json()["problems"]
    assert found.keys() == {"where", "line", "reason"}
    assert found["line"] == bad[: bad.index("非常高".encode())].count(b"\n") + 1
    assert len(cards_of(Issue.objects.get())) == 17


def test_deviations_are_listed_with_their_lines(post, sample):
    answer = post(sample.replace("**重要性**：高".encode(), "**重要性**: 高".encode(), 1))
    assert answer.status_code == 201
    [found] = answer.json()["deviations"]
    assert found["line"] and found["text"]


# --- who may deliver -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer cdk_wrong", "Basic Y2RrXw==", "Bearer {key}x", "{key}"],
)
def test_without_a_valid_token_nothing_is_taken(header, key, sample):
    headers = {} if header is None else {"Authorization": header.format(key=key)}
    answer = Client().post(URL, sample, content_type=MARKDOWN, headers=headers)
    assert_problem(answer, 401)
    assert answer["WWW-Authenticate"] == "Bearer"
    assert not Draft.objects.exists()


def test_a_revoked_token_is_none_at_once(post, sample):
    assert post(sample).status_code == 201
    MachineToken.objects.update(revoked_at=timezone.now())
    assert_problem(post(sample), 401)


def test_the_token_of_a_machine_that_was_switched_off_is_none(post, sample):
    user = machine_account("machine")
    user.is_active = False
    user.save()
    assert_problem(post(sample), 401)


def test_a_signed_in_chief_is_no_machine(client, chief, sample):
    client.force_login(chief.user)
    assert_problem(client.post(URL, sample, content_type=MARKDOWN), 401)


def test_a_token_delivers_to_its_own_desk(other_desk, sample):
    _token, key = MachineToken.issue(desk=other_desk, user=machine_account("machine"), name="x")
    answer = Client().post(
        URL, sample, content_type=MARKDOWN, headers={"Authorization": f"Bearer {key}"}
    )
    assert answer.status_code == 201
    assert Issue.objects.get().desk == other_desk


def test_only_the_hash_of_a_token_is_kept(key):
    token = MachineToken.objects.get()
    values = " ".join(str(getattr(token, f.attname)) for f in token._meta.concrete_fields)
    assert key not in values
    assert token.digest == sha256(key.encode())


def test_the_command_makes_lists_and_revokes_tokens(desk, sample, capsys):
    call_command("machine_token", "collector")
    key = capsys.readouterr().out.strip()
    assert MachineToken.holder(key).name == "collector"
    call_command("machine_token")
    listed = capsys.readouterr().out
    assert "collector" in listed and key not in listed
    call_command("machine_token", "collector", "--revoke")
    assert MachineToken.holder(key) is None


# --- bad input -----------------------------------------------------------------------------------


def test_twenty_megabytes_are_too_large(post, post_form, sample):
    huge = sample + b"x" * (20 * 1024 * 1024)
    assert "10 MB" in assert_problem(post(huge), 413)["detail"]
    assert_problem(post_form(draft=SimpleUploadedFile("a.md", huge)), 413)
    assert not Draft.objects.exists()


def test_a_little_more_than_the_limit_is_too_large(post, settings):
    assert_problem(post(b"x" * (settings.DRAFT_LIMIT + 1)), 413)


def test_a_cover_that_is_too_large_or_no_picture_is_unacceptable(post_form, sample):
    for cover in (b"x" * (5 * 1024 * 1024 + 1), b"<svg/>"):
        answer = post_form(
            draft=SimpleUploadedFile("a.md", sample), cover=SimpleUploadedFile("a.png", cover)
        )
        assert "cover" in assert_problem(answer, 422)["detail"]
    assert not Draft.objects.exists()


@pytest.mark.parametrize(
    "media_type", ["text/html", "application/xml", "image/png", "application/zip", "nonsense"]
)
def test_an_unknown_media_type_is_said_with_those_that_are_known(media_type, post, sample):
    detail = assert_problem(post(sample, media_type), 415)["detail"]
    assert MARKDOWN in detail and JSON in detail
    assert not Draft.objects.exists()


def test_a_file_of_an_unknown_kind_in_a_form_is_refused(post_form):
    upload = SimpleUploadedFile("a.docx", b"PK", content_type="application/zip")
    assert_problem(post_form(draft=upload), 415)


def test_a_form_without_a_draft_is_refused(post_form):
    assert_problem(post_form(cover=SimpleUploadedFile("a.png", COVER.read_bytes())), 422)


@pytest.mark.parametrize(
    ("content", "media_type", "reason"),
    [
        ("標題與摘要".encode("big5"), MARKDOWN, "UTF-8"),
        ("標題".encode("utf-16"), MARKDOWN, ""),
        (b"\n", MARKDOWN, ""),
        (b"\0" * 99, MARKDOWN, ""),
        (b'{"lead": "', JSON, "JSON"),
        (b"[]", JSON, "object"),
        (b'{"lead": NaN}', JSON, "NaN"),
        (b"[" * 100_000, JSON, "nested"),
        (b"---\ndate: 9999-99-99\n---\n\n## S\n\n### A card\n\nText\n", MARKDOWN, "not a day"),
        (b"---\ndate: 9999-12-31\n---\n\n## S\n\n### A card\n\nText\n", MARKDOWN, "between"),
        (b'---\nslug: "../../etc/passwd"\n---\n\n## S\n\n### A card\n\nText\n', MARKDOWN, "slug"),
        (b'---\ncover: "/../x.png"\n---\n\n## S\n\n### A card\n\nText\n', MARKDOWN, "cover"),
    ],
)
def test_what_cannot_be_filed_is_answered_with_reasons_and_kept(content, media_type, reason, post):
    body = assert_problem(post(content, media_type), 422)
    assert body["problems"]
    for found in body["problems"]:
        assert found.keys() == {"where", "line", "reason"}
    assert reason in " ".join(found["reason"] for found in body["problems"])
    draft = Draft.objects.get()
    assert (bytes(draft.payload), draft.state) == (content, Draft.State.REFUSED)
    # And the same to whoever asks again.
    assert post(content, media_type).json() == body


def test_a_wrong_media_type_can_be_put_right(post, sample):
    content = hugo.read(sample).model_dump_json().encode()
    assert_problem(post(content, MARKDOWN), 422)
    assert post(content, JSON).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x",
        b"--x\r\nContent-Disposition: form-data; name=draft\r\n\r\n",
        b"\0" * 1000,
    ],
)
def test_a_broken_form_is_the_senders_fault(body, post):
    answer = post(body, "multipart/form-data; boundary=x")
    assert 400 <= answer.status_code < 500


def test_a_form_without_a_boundary_is_the_senders_fault(post):
    assert 400 <= post(b"x", "multipart/form-data").status_code < 500


def test_a_form_of_ten_thousand_fields_is_the_senders_fault(post):
    parts = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\nv\r\n' % n for n in range(10_000)
    )
    answer = post(parts + b"--x--\r\n", "multipart/form-data; boundary=x")
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_the_door_knows_only_post(method, key):
    answer = getattr(Client(), method)(URL, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 405


# --- what is said about it -----------------------------------------------------------------------


def test_openapi_lists_every_answer_and_every_kind_of_body(client):
    schema = client.get("/api/openapi.json").json()
    operation = schema["paths"][URL]["post"]
    assert set(operation["responses"]) == {"200", "201", "401", "413", "415", "422"}
    body = operation["requestBody"]["content"]
    assert set(body) == {JSON, MARKDOWN, "multipart/form-data"}
    assert operation["security"]
    assert schema["components"]["securitySchemes"]


def test_openapis_references_lead_somewhere(client):
    """A schema that was made for elsewhere names its parts where there is nothing."""
    schema = client.get("/api/openapi.json").json()

    def references(node):
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            for item in node.values():
                yield from references(item)
        elif isinstance(node, list):
            for item in node:
                yield from references(item)

    found = set(references(schema))
    assert found
    for reference in found:
        node = schema
        for part in reference.removeprefix("#/").split("/"):
            part = part.replace("~1", "/").replace("~0", "~")
            assert part in node, reference
            node = node[part]


def test_what_a_document_looks_like_is_what_the_sample_is(client, sample):
    """Our own sample has every property the schema requires, under the names it gives."""
    schema = client.get("/api/openapi.json").json()
    body = schema["paths"][URL]["post"]["requestBody"]["content"][JSON]["schema"]
    document = json.loads(hugo.read(sample).model_dump_json())
    assert document.keys() <= body["properties"].keys()
    assert set(body.get("required", ())) <= document.keys()


def test_the_description_says_who_may(client):
    assert client.get("/api/openapi.json").status_code == 200
    assert client.get("/api/docs").status_code == 404


def test_a_delivery_that_crashes_has_kept_the_draft(post, sample, monkeypatch):
    monkeypatch.setattr(rows, "add_cards", lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        post(sample)
    assert bytes(Draft.objects.get().payload) == sample
    monkeypatch.undo()
    assert post(sample).status_code == 201
