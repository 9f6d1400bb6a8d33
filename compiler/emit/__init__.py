"""Graphs as torch modules, and what is done with these. Only here does the compiler import torch."""
