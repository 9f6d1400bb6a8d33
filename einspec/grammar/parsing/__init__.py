"""Parsing sentences: flat grammars, LALR by Lark, our Earley, and how tokens are spaced."""
