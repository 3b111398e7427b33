"""Tests of kafka.partitioner."""
