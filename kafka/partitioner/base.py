"""Where release 1.x had the base class of partitioners.

Imported by: applications.  Imports: partitioner.abc.
"""

from kafka.partitioner.abc import Partitioner

__all__ = ["Partitioner"]
