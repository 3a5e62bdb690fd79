"""The machine: articles in, a draft of the day out. It knows articles and documents, no desk.

The stages, in the order of a run: `collecting` fetches what `feeds` reads into articles,
`grouping` makes topics of them, `scoring` rates and places them, one of the `writers` writes a
card for each, `composing` makes the whole issue of the cards.
"""
