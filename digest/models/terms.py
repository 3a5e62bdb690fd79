"""The words an issue and its cards are found by. How they carry them stands with each."""

from __future__ import annotations

from django.db import models
from django.utils.text import slugify
from taggit.models import TagBase

from digest import document
from digest.folding import fold
from digest.models.names import sha256


class Term(TagBase):
    """A tag or an entity, spelled as it was written; `folded` joins the spellings of one name."""

    name = models.CharField(max_length=document.LINE_LIMIT, unique=True)
    slug = models.CharField(max_length=100, unique=True)
    folded = models.CharField(max_length=document.LINE_LIMIT, db_index=True, editable=False)

    def save(self, *args, **kwargs) -> None:
        self.folded = self.key_of(self.name)
        super().save(*args, **kwargs)

    @staticmethod
    def key_of(name: str) -> str:
        """The key under which a name is found. (Folded, one character may become eighteen.)"""
        return fold(name)[: document.LINE_LIMIT]

    def slugify(self, tag: str, i: int | None = None) -> str:
        """A slug no other name has: `..` and `C++` have none of their own, `C` and `c` the same."""
        return f"{slugify(tag, allow_unicode=True)[:60] or 'term'}-{sha256(tag.encode())[:12]}"
