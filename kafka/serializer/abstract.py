"""Where releases before 3.0 had the base classes.

Imported by: applications.  Imports: serializer.abc.
"""

from kafka.serializer.abc import Deserializer, Serializer

__all__ = ["Deserializer", "Serializer"]
