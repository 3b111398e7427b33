"""Tests of kafka.codec."""
