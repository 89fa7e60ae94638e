"""Classifiers of texts by feeling or topic: a leaf that the recommender never imports; its verbs are `recsys text …`.

A text goes one road: read (`files`, `corpus`), `clean`, `tokens`, then the network. Nothing heavy is imported here.
"""
