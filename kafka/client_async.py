"""Where release 2.x had its client.

Imported by: applications.  Imports: client.client.
"""

import selectors

from kafka.client.client import KafkaClient

__all__ = ["KafkaClient", "selectors"]
