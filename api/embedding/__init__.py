"""What markers in documents ask for: specs found, quantities computed, claims held, values kept.

How a marker is spelled in a document is :mod:`gradproof.reports.markers`.

    cache       what was rendered before, by the hash of all that it depends on
    documents   `gp.embed`: every marker of a document computed, or checked against its text
    quantities  the quantities of one spec, by the names that markers use
    specs       where a marker's spec is found, and the settings of documents
    stated      an author's own formula or number, held against the derivation
"""
