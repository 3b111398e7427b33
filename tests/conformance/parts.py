"""The parts of the script; importing them puts their scenarios into it."""

from __future__ import annotations

from tests.conformance import (
    scenarios_brokers,
    scenarios_groups,
    scenarios_idempotence,
    scenarios_offsets,
    scenarios_produce,
    scenarios_protocol,
    scenarios_topics,
    scenarios_transactions,
)

PARTS = (
    scenarios_protocol,
    scenarios_topics,
    scenarios_produce,
    scenarios_idempotence,
    scenarios_offsets,
    scenarios_groups,
    scenarios_transactions,
    scenarios_brokers,
)
