"""The rows: a desk, its issues and their parts, what came in, what was signed, what went out.

A file holds one noun with the questions that are asked of it, and is called by its plural; what
joins two of them (a card's entity, an issue's tag) stands with the one that owns the list. They
rest on each other in this order:

`names`       slugs and hashes, which many rows are named by
`desks`       `Desk` and the channels its issues go to
`terms`       `Term`, a tag or an entity
`pictures`    `Picture`, a cover
`sections`    `Section`, a heading of an issue, and the passages below it
`cards`       `Card`, a topic, with its sources and entities
`issues`      `Issue`, the working copy of a day, with its tags
`drafts`      `Draft`, what a machine handed in, with what of it waits for people
`events`      `Event`, what happened
`editions`    `Edition`, what was signed
`deliveries`  `Delivery`, an edition on its way
`alarms`      `Alarm`, what people have to know, and the signs of life
`tokens`      `MachineToken`, a key to the API
`machine`     the machine's own: feeds, articles, runs and the cards it wrote

Promises that must hold whatever the Python does (unique, check, protect) stand there as
constraints; those Django cannot say (immutable editions, append-only events) are made by
digest.promises. Everybody imports the rows from here.
"""

from digest.models.alarms import Alarm, Tick
from digest.models.cards import Card, CardEntity, Source
from digest.models.deliveries import Delivery
from digest.models.desks import Channel, Desk, is_no_inbox_folder, is_zone
from digest.models.drafts import Draft, HeldCard, Suggestion
from digest.models.editions import Edition
from digest.models.events import Event, new_batch
from digest.models.issues import Issue, IssueTag
from digest.models.machine import Article, Feed, Run, WrittenCard
from digest.models.names import SLUG, sha256
from digest.models.pictures import Picture
from digest.models.sections import Passage, Section
from digest.models.terms import Term
from digest.models.tokens import MachineToken

__all__ = [
    "SLUG", "sha256",
    "Desk", "Channel", "MachineToken",
    "Issue", "Section", "Passage", "Card", "Source", "Picture",
    "Term", "IssueTag", "CardEntity",
    "Draft", "HeldCard", "Suggestion",
    "Event", "new_batch", "Edition", "Delivery", "Alarm", "Tick",
    "Feed", "Article", "Run", "WrittenCard",
    "is_no_inbox_folder", "is_zone",  # the first migration calls them so
]  # fmt: skip
