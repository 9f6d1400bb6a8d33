"""Regular expressions of a grammar file: which of them Python's ``re`` matches in little time, whatever the text."""
