"""The console: pages for people, and the same documents and acts for machines below /api/v1.

A page is a `View` (what is shown, by which template, to whom), what can be done there is an `Act`;
`table.py` lists them all, and nothing else has to know of a new one.
"""
