"""From files to a grammar: which file an import means, and what its syntax comes to."""
