"""An edition becomes a JSON file with its document, for programs; one schema describes them all."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any, Literal

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.json_schema import GenerateJsonSchema

from digest.channels.files import hash_of, inside, remove_file, write_file
from digest.channels.parcel import Parcel, Undeliverable
from digest.document import Document

SCHEMA_NAME = "copydesk.edition.1"


class Config(BaseModel):
    """Nothing to choose: where the files lie is JSON_TREE of the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Envelope(BaseModel):
    """What a file holds. `sha256` is the signed hash of the edition's Markdown file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: Literal["copydesk.edition.1"] = Field(SCHEMA_NAME, alias="schema")
    desk: str
    day: date
    edition: int
    sha256: str
    correction: str
    url: str
    document: Document


class _WholeSchema(GenerateJsonSchema):
    """A schema that promises readers every name: files are written with all their defaults."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        return True


def schema() -> dict[str, Any]:
    """The JSON Schema that every delivered file fits."""
    made = Envelope.model_json_schema(
        mode="serialization", by_alias=True, schema_generator=_WholeSchema
    )
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | made


def deliver(parcel: Parcel, config: Config) -> dict[str, Any]:
    """Write `<desk>/<slug>.json` and the schema; the receipt has the file's own hash, read back."""
    content = _content_of(parcel)
    write_file(Path(settings.JSON_TREE) / "schema.json", _bytes_of(schema()))
    path = _path_of(parcel)
    write_file(path, content)
    found = hash_of(path)
    if found != hashlib.sha256(content).hexdigest():
        raise Undeliverable(f"{path} reads back as {found[:12]}…, not as what was written")
    return {"path": str(path), "sha256": found}


def withdraw(parcel: Parcel, config: Config) -> dict[str, Any]:
    """Take the file away."""
    path = _path_of(parcel)
    return {"path": str(path), "removed": remove_file(path)}


def _path_of(parcel: Parcel) -> Path:
    tree = Path(settings.JSON_TREE)
    return inside(tree, parcel.desk or ".", f"{parcel.slug}.json")


def _content_of(parcel: Parcel) -> bytes:
    try:
        # Through the model, so that what an older version left out is there, too.
        envelope = Envelope(
            desk=parcel.desk,
            day=parcel.day,
            edition=parcel.number,
            sha256=parcel.sha256,
            correction=parcel.correction,
            url=parcel.url,
            document=Document.model_validate(parcel.document),
        )
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise Undeliverable(
            f"the edition's document does not fit its schema: {where}: {first['msg']}",
            is_final=True,
        ) from None
    return _bytes_of(envelope.model_dump(mode="json", by_alias=True))


def _bytes_of(values: dict[str, Any]) -> bytes:
    return (json.dumps(values, ensure_ascii=False, indent=2) + "\n").encode()
