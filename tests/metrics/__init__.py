"""Tests of kafka.metrics."""
