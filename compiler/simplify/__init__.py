"""Rewriting graphs by the laws of their ops: how rules are applied, and the rules."""
