"""Clients that others wrote, unmodified, on kafka.testing."""
