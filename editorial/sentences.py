"""What the dialect says, in the reader's language: a sentence for each that machines get."""

from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from digest.sentences import NESTED, Filling, Said, Sentence, recognise
from editorial.labels import FIELD_LABELS, label_of

SENTENCES: dict[Said, str | Promise] = {
    Said.NO_HEADLINE: _("A card needs a headline."),
    Said.LINE_BREAK: _("This is a single line and cannot contain a line break."),
    Said.CHARACTER: _("The character at position %(position)s (%(code)s) cannot be kept."),
    Said.SOURCE_UNTITLED: _("A source needs a title."),
    Said.SOURCE_BRACKETS: _("Square brackets in a source’s title must pair up."),
    Said.LINK_CHARACTERS: _("A link cannot contain blanks, <, >, \\ or direction marks."),
    Said.LINK_START: _("A link starts with http:// or https:// and names a host."),
    Said.LINK_USER: _("A link cannot carry a user name."),
    Said.LINK_PARENTHESES: _("A link’s parentheses must pair up; write %28 and %29 otherwise."),
    Said.NOT_ONE_NAME: _(
        "%(name)s is not one name: write one a line, without a comma and a blank in it."
    ),
    Said.IMPORTANCE: _("The importance is one of %(known)s, not %(word)s."),
    Said.IMPORTANCE_RANGE: _("The importance is one of five words, or a number from 1 to 5."),
    Said.LAYOUT_TWICE: _("A field stands in the order of the fields once."),
    Said.NO_TITLE: _("An issue needs a title."),
    Said.TAG: _("A tag is a single line with something in it."),
    Said.NOT_A_NUMBER: _("%(number)s is not a number that can be kept."),
    Said.INEXACT_NUMBER: _("%(number)s is too large to be kept exactly; put it in quotes."),
    Said.NEGATIVE_ZERO: _("-0.0 is not a number that can be kept; write 0.0."),
    Said.LONG_INTEGER: _("A whole number does not fit in 64 bits."),
    Said.DEEP_VALUES: _("Values cannot be nested deeper than %(limit)s levels."),
    Said.SECTIONS: _("%(count)s sections; an issue has %(limit)s at most."),
    Said.CARDS: _("%(count)s cards; an issue has %(limit)s at most."),
    Said.PASSAGES: _("%(count)s passages; a section has %(limit)s at most."),
    Said.ENTITIES: _("%(count)s entities; a card holds %(limit)s at most."),
    Said.SOURCES: _("%(count)s sources; a card holds %(limit)s at most."),
    Said.SUMMARY: FIELD_LABELS["summary"],
    Said.DETAILS: FIELD_LABELS["details"],
    Said.APPLICATIONS: FIELD_LABELS["applications"],
    Said.REST: FIELD_LABELS["rest"],
    Said.LEAD: FIELD_LABELS["lead"],
    Said.FOOTER: FIELD_LABELS["footer"],
    Said.FILE: _("the file"),
    Said.FRONT_MATTER: FIELD_LABELS["front_matter"],
    Said.LEAD_BLOCK: FIELD_LABELS["lead"],
    Said.FOOTER_BLOCK: FIELD_LABELS["footer"],
    Said.ONE_CARD: _("the card"),
    Said.CARD_CALLED: _("card “%(title)s”"),
    Said.CARD_UNTITLED: _("a card without a headline"),
    Said.SECTION_CALLED: _("section “%(title)s”"),
    Said.SECTION_UNTITLED: _("a section without a title"),
    Said.PASSAGE_CALLED: _("passage “%(title)s”"),
    Said.PASSAGE_UNTITLED: _("a passage without a title"),
    Said.TEXT_CALLED: _("text “%(title)s”"),
    Said.TEXT_UNTITLED: _("a text without a title"),
    Said.TEXT_OF: _("the text of %(place)s"),
    Said.THE_TEXT_OF: _("the text of %(place)s"),
    Said.LINE_OF: _("line %(line)s of %(place)s"),
    Said.THIS_LINE: _("this line"),
    Said.HEADING_IN: _("the heading in %(where)s"),
    Said.THIS_HEADING: _("this heading"),
    Said.KIND_CARDS: _("cards"),
    Said.KIND_INSIGHT: FIELD_LABELS["insight"],
    Said.KIND_READING: FIELD_LABELS["reading"],
    Said.STARTS_SECTION: _(
        "%(where)s starts with %(mark)s, which would begin a new section; write #### or \\%(mark)s."
    ),
    Said.STARTS_CARD: _(
        "%(where)s starts with %(mark)s, which would begin a new card; write #### or \\%(mark)s."
    ),
    Said.STARTS_PASSAGE: _(
        "%(where)s starts with %(mark)s, which would begin a new passage; write #### or \\%(mark)s."
    ),
    Said.SEPARATES: _("%(where)s is %(rule)s, which would end the block; write *** for a rule."),
    Said.IS_LABEL: _(
        "%(where)s is the label %(label)s, which would begin another field; put a word before it."
    ),
    Said.FENCE: _("The code fence %(fence)s is never closed; close it with %(fence)s."),
    Said.FENCE_IN: _("The code fence in %(where)s is never closed; close it with %(fence)s."),
    Said.TOO_DEEP: _("%(where)s puts lists or quotes more than %(limit)s deep in each other."),
    Said.OPENS: _(
        "%(where)s opens %(html)s; readers would not see what follows. Put a backslash before <."
    ),
    Said.NEVER_ENDS: _("%(what)s that never ends"),
    Said.ENDS_ELSEWHERE: _("%(what)s that does not end on its line"),
    Said.HTML_ELEMENT: _("an HTML element"),
    Said.HTML_COMMENT: _("an HTML comment"),
    Said.HTML_INSTRUCTION: _("an HTML instruction (<?)"),
    Said.HTML_CDATA: _("a CDATA section"),
    Said.HTML_DECLARATION: _("an HTML declaration (<!)"),
    Said.ATTRIBUTES: _(
        "Hugo would take the {…} at the end of %(what)s for settings; put a backslash before {."
    ),
    Said.OTHER_FRONT_MATTER: _(
        "Hugo would take { or #+ at the start of the file for front matter; put a word before it."
    ),
    Said.NO_CARD: _("A card begins with a ### line; here is none."),
    Said.SEVERAL_CARDS: _("A card begins with one ### line; here are %(count)s."),
    Said.OUTSIDE_CARD: _("Line %(line)s is outside the card: “%(text)s”."),
    Said.NOT_KEPT: _("This cannot be kept as one card: %(fault)s"),
    Said.BETWEEN_FIELDS: _("Text between %(label)s and %(next)s belongs to no field."),
    Said.NOTE_OPEN: _("The note after “%(text)s” has no closing ）."),
    Said.NO_LINK: _("“%(text)s” is not a link like [title](https://…)."),
    Said.OF_SOURCE: _("source “%(title)s”: %(fault)s"),
    Said.FIELDS_DIFFER: _("%(fields)s would be read back as something else."),
    Said.NOT_ITS_LABEL: _(
        "“%(label)s” is not a label of the field “%(field)s”; write %(own)s, or %(own)s（…）."
    ),
    Said.REST_ALONE: _(
        "Text after the labelled fields needs entities, importance or sources above it."
    ),
    Said.SEVERAL_ENTITIES: _(
        "“%(name)s” would be read as several entities; put “, ” between them."
    ),
    Said.OTHER_KIND: _("The title “%(title)s” stands for: %(meant)s. This section is: %(kind)s."),
    Said.HAS_PASSAGES: _("%(where)s: a section of cards has no passages."),
    Said.HAS_CARDS: _("%(where)s: there can be no cards here (%(kind)s)."),
    Said.HAS_NO_CARDS: _("There can be no cards here (%(kind)s)."),
    Said.PASSAGE_NEEDS_TITLE: _("%(where)s: only the first passage can go without a title."),
    Said.SECTION_DIFFERS: _("%(where)s would be read back as something else."),
    Said.DOCUMENT_DIFFERS: _("The issue would be read back as something else."),
    Said.NO_SECTION: _("Text needs a section with a title (## …) to stand in."),
    Said.NOTHING: _("There is nothing in it."),
    Said.NO_HEADING: _("There is no heading of a section (## …) and no card (### …)."),
    Said.TWO_WAYS: _("This can be read in two ways: %(fault)s"),
    Said.NOT_UTF8: _("This is not UTF-8: byte %(byte)s is 0x%(code)s; save it as UTF-8."),
    Said.NOT_UTF8_BUT: _(
        "This is not UTF-8: byte %(byte)s is 0x%(code)s, it looks like %(encoding)s;"
        " save it as UTF-8."
    ),
    Said.NULS: _("This is full of NUL characters, it looks like UTF-16; save it as UTF-8."),
    Said.AT_LINE: _("%(where)s, line %(line)s: %(fault)s"),
    Said.AT: _("%(where)s: %(fault)s"),
    Said.OF_FIELD: _("%(field)s: %(fault)s"),
    Said.STEERS: _("`%(key)s` would change how the page is built; take it out."),
    Said.STEERS_AND: _("`%(key)s` would change how the page is built; take it out. %(further)s"),
    Said.FRONT_UNWRITABLE: _("These values cannot be written as front matter."),
    Said.FRONT_NOT_CLOSED: _("No second %(fence)s closes it."),
    Said.YAML: _("This is not valid YAML: %(detail)s"),
    Said.TOML: _("This is not valid TOML: %(detail)s"),
    Said.NO_KEYS: _("This is not a list of keys and values."),
    Said.ALIASES: _("Anchors and aliases (&, *) are not read."),
    Said.DEEP: _("This is nested deeper than %(limit)s levels."),
    Said.KEY_NOT_TEXT: _("A key has to be text."),
    Said.KEY_TWICE: _("The key “%(key)s” stands twice."),
    Said.NUMBER: _("“%(number)s” is not a number that can be kept."),
    Said.YAML_TAG: _("The tag %(tag)s is not plain data."),
    Said.MEDIA_TYPE: _("%(type)s is not read; send text/markdown or application/json."),
    Said.BYTE: _("This is not UTF-8: byte %(byte)s."),
    Said.JSON: _("This is not valid JSON: %(detail)s"),
    Said.JSON_KEY_TWICE: _("The key %(key)s stands twice in one object."),
    Said.JSON_CONSTANT: _("%(number)s is not a number."),
    Said.JSON_RANGE: _("The number %(number)s is out of range."),
    Said.JSON_DIGITS: _("The whole number %(number)s… has too many digits."),
    Said.NOT_JSON_OBJECT: _("This is not a JSON object."),
    Said.NOT_AN_OBJECT: _("This is not an object."),
    Said.NOT_A_LIST: _("This is not a list."),
    Said.UNKNOWN_KEY: _("This is unknown; a document has %(keys)s."),
    Said.TEXT_ALONE: _("Text needs a section to stand beside."),
    Said.DAY_UNKNOWN: _("It cannot be read, so the day it belongs to is unknown."),
    Said.DRAFT_TAG: _("The tag %(tag)s is empty, too long or has two lines."),
    Said.COVER_ELSEWHERE: _("The cover’s path %(path)s leads elsewhere."),
    Said.COVER_HIDDEN: _("The cover’s path %(path)s has a part that is hidden or too long."),
    Said.COVER_NO_PICTURE: _("The cover’s path %(path)s does not end in one of %(suffixes)s."),
    Said.NOT_A_DAY: _("The date %(day)s is not a day (YYYY-MM-DD)."),
    Said.OTHER_YEARS: _("The date %(day)s does not lie between %(first)s and %(last)s."),
    Said.SLUG: _("The slug %(slug)s is not lower-case letters, digits and hyphens."),
    Said.LONG_TEXT: _("At most %(count)s characters."),
    Said.MANY_ITEMS: _("At most %(limit)s entries."),
    Said.MISSING: _("This is missing."),
    Said.EXTRA: _("This is not known here."),
    Said.NOT_TEXT: _("This has to be text."),
    Said.NOT_A_TUPLE: _("This has to be a list."),
    Said.NOT_A_DICTIONARY: _("This has to be an object."),
    Said.ONE_OF: _("This has to be one of %(known)s."),
    Said.LINE_ENDING: _("The lines end with %(ending)s."),
    Said.BYTE_ORDER_MARK: _("A byte order mark stands at the start of the file."),
    Said.NO_FRONT_MATTER: _("There is no front matter."),
    Said.EMPTY_FRONT_MATTER: _("The front matter is empty."),
    Said.HIDES: _("draft: true: Hugo will not show this post."),
    Said.BLANKS_AFTER_FENCE: _("Blanks after %(fence)s."),
    Said.NO_DATE: _("There is no date in the front matter; filed on %(day)s."),
    Said.SHORTCODE: _("A Hugo shortcode, kept as text."),
    Said.RULE_MISSING: _("A %(rule)s is missing before “%(title)s”."),
    Said.RULE_TOO_MANY: _("One %(rule)s too many before “%(title)s”."),
    Said.BLANK_LINE_MISSING: _("A blank line is missing before “%(title)s”."),
    Said.BLANK_LINE_TOO_MANY: _("One blank line too many before “%(title)s”."),
    Said.GAP_OTHERWISE: _("%(rule)s or a blank line is written otherwise before “%(title)s”."),
    Said.HEADING_UNTITLED: _("A heading without a title."),
    Said.HEADING_ENDING: _("What Hugo would take off the heading “%(title)s” is kept as text."),
    Said.HEADING_BLANKS: _("Blanks around the heading “%(title)s”."),
    Said.TOO_FEW_BELOW: _("A blank line is missing below %(above)s."),
    Said.TOO_MANY_BELOW: _("One blank line too many below %(above)s."),
    Said.BLANKS_BELOW: _("Blanks on the empty line below %(above)s."),
    Said.STRAY: _("Text without a heading, joined to what stands above it."),
    Said.CARD_ABOVE: _("A card above all sections, put in a section of its own."),
    Said.LAST_NEWLINE: _("A line break at the end of the file."),
    Said.LAST_RULE_MISSING: _("A %(rule)s is missing at the end of the file."),
    Said.LAST_RULE_OTHERWISE: _("%(rule)s is written otherwise at the end of the file."),
    Said.ITEM_BREAK_MISSING: _("A hard break is missing after a list item."),
    Said.ITEM_BREAK_WRONG: _("A wrong hard break after a list item."),
    Said.ITEM_BULLET: _("A list item begins with %(bullet)s."),
    Said.LABEL_AGAIN: _("%(label)s a second time, kept as text."),
    Said.LABEL_UNKNOWN: _("The unknown label %(label)s, kept as text."),
    Said.LABEL_MISSING: _("Text without a label, taken as the summary."),
    Said.COLON_INSIDE: _("The colon stands inside the bold of %(label)s."),
    Said.COLON_ASCII: _("An ASCII colon after %(label)s."),
    Said.COLON_TOO_MANY: _("A colon after %(label)s."),
    Said.COLON_MISSING: _("No colon after %(label)s."),
    Said.TEXT_ON_LINE: _("Text on the line of %(label)s."),
    Said.BREAK_MISSING: _("A hard break is missing after %(label)s."),
    Said.LABEL_BLANKS: _("Blanks around %(label)s."),
    Said.ENTITIES_JOINED: _("The entities after %(label)s are not joined by “, ”."),
    Said.PARENTHESES_OTHERWISE: _("The parentheses after %(label)s are written otherwise."),
    Said.HYPHEN_OTHERWISE: _("The hyphen after %(label)s is written otherwise."),
    Said.VALUE_BELOW: _("Text below %(label)s and not on its line."),
    Said.SOURCES_LINES: _("Sources on several lines."),
    Said.SOURCES_LISTED: _("Sources as list items."),
    Said.SOURCES_OTHERWISE: _("The sources are not written [title](link) | …."),
    Said.SOURCE_TAKEN: _("The first link was taken as the source."),
}


def translated(text: str) -> str:
    """What `digest` says of values, Markdown and JSON, in the reader's language.

    It may have been kept since. What is no sentence of the dialect is left as it is.
    """
    sentence = recognise(text)
    return capfirst(_said(sentence)) if sentence is not None else text


def _said(sentence: Sentence) -> str:
    said = str(SENTENCES[sentence.said])
    filling = {name: _filled(name, value) for name, value in sentence.filling.items()}
    return said % filling if filling else said


def _filled(name: str, value: Filling) -> Filling:
    if isinstance(value, int):
        return value
    if name == "field":
        return str(label_of("", value))
    if name == "fields":
        labels = (str(label_of("", field)) for field in value.split(", "))
        return pgettext("between names", ", ").join(labels)
    part = recognise(value) if name in NESTED else None
    return _said(part) if part is not None else value
