"""Tests of kafka.record."""
