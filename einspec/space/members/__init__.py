"""What a choice can pick: a grammar's alternatives bound to ops, with their arguments and layouts."""
