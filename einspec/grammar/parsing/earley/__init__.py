"""Parsing by probability: Earley's algorithm, for grammars that are not LALR(1)."""
