"""The text of a grammar file: tokens, the syntax tree, and the weights in its comments."""
