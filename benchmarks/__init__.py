"""Comparisons with other producers, side by side in one run: `make bench`."""
