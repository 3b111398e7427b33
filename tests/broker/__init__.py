"""Tests against real Apache Kafka, and the harness that starts it on loopback addresses."""
