"""Ops and guards that grammar files hold: a checked subset of Python, read, checked, compiled and run within bounds."""
