"""How the partition of a record is chosen.

Imported by: producer, applications.  Imports: partitioner.*.
"""

from kafka.partitioner.abc import Partitioner
from kafka.partitioner.default import DefaultPartitioner
from kafka.partitioner.hashed import HashedPartitioner, LegacyPartitioner, Murmur2Partitioner
from kafka.partitioner.murmur2 import murmur2 as murmur2
from kafka.partitioner.roundrobin import RoundRobinPartitioner
from kafka.partitioner.sticky import StickyPartitioner

__all__ = [
    "DefaultPartitioner",
    "HashedPartitioner",
    "LegacyPartitioner",
    "Murmur2Partitioner",
    "Partitioner",
    "RoundRobinPartitioner",
    "StickyPartitioner",
    "murmur2",
]
