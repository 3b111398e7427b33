"""Tests of kafka.client."""
