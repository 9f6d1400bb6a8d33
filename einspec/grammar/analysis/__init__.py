"""What a grammar's weights and texts come to: sizes, counts, ambiguity; and other weights for it."""
