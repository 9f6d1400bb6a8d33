"""Variation: new architectures from old ones. One operator a file; what they share is how a derivation is edited."""
