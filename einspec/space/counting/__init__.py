"""Counting: exact masses by types, estimates, and the most probable derivations."""
