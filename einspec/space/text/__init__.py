"""Architectures from and to text: parsing, printing, macros, JSON and choices."""
