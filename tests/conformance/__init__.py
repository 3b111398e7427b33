"""One script of requests, and what brokers answer to it: real Kafka's answers are kept in answers/, and kafka.testing must give the same.

A scenario (scenarios_*.py) asks through bare sockets and yields (what was asked, what was answered); it says nothing of what is right.
`python -m tests.conformance --record` writes answers/<version>.json from real Kafka.
"""
