"""A grammar as data: rules, productions, items, and the problems found in them."""
