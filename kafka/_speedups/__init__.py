"""Compiled twins of the code on a record's way, built where there is a C compiler; kafka._accel chooses.

Imported by: _accel, setup.py.  Imports: nothing of ours.
"""

import sys

TWINS: tuple[str, ...] = (
    "kafka._speedups.outcomes",
    "kafka._speedups.partition_queue",
    "kafka._speedups.records",
    "kafka._speedups.send_path",
)
"""Modules of code that Python code mirrors."""

if sys.platform == "linux":
    TWINS += ("kafka._speedups.sockets",)

FROM_SOURCE = (
    "kafka.client.channel",
    "kafka.client.client",
    "kafka.client.connection",
    "kafka.client.inflight",
    "kafka.client.metadata",
    "kafka.client.metrics",
    "kafka.client.negotiation",
    "kafka.metrics.ledger",
    "kafka.producer.batch",
    "kafka.producer.metrics",
    "kafka.producer.schedule",
    "kafka.producer.sender",
    "kafka.protocol.framing",
    "kafka.protocol.produce_batches",
)
"""Modules that are compiled as they stand, with the types in the .pxd file beside each."""
