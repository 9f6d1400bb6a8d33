"""Canonical identity: the key of a graph, and whose weights are whose between two of them."""
