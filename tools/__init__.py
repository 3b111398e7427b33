"""Generators of checked-in files."""
