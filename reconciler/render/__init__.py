"""Renderers: `view` turns documents into rows, and each medium has one layout and one way to escape.

Takes documents, which contain no secrets; returns text. Does no I/O, except that `progress` writes to the streams it is
given. Renderers decide nothing: they show the contents of the document.
"""
