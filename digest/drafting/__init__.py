"""The machine: articles in, a draft of the day out. It knows articles and documents, no desk.

The stages, in the order of a run: `collecting` fetches what `feeds` reads into articles (or
`snapshots` takes them from files; `entries` is where either becomes an article, with `links`,
`texts`, `moments` and `mending` below it, and `opml` reads and writes lists of feeds),
`grouping` makes topics of them, `scoring` rates and places them, one of the `writers` writes a
card for each, `composing` makes the whole issue of the cards.
"""
