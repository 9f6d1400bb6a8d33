"""The one evaluation of combinators over types, who chooses in it, and what comes of it."""
