"""The graph that an architecture denotes: its data, lowering into it, checking, printing and reading it."""
