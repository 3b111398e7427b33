"""Tests of kafka.serializer."""
