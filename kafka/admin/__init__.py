"""A placeholder: this library administers nothing.

Imported by: kafka, applications.  Imports: nothing of ours.
"""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["KafkaAdminClient"]


class KafkaAdminClient:
    """Lets programs be imported that name it; making one raises NotImplementedError.

    Threads: any.
    """

    def __init__(self, **configs: Any) -> NoReturn:
        raise NotImplementedError(
            "kafka-producer is a producer and has no admin client. Use confluent-kafka or aiokafka, which can be installed beside it, "
            "for administration; kafka-python cannot, since its package is called kafka too."
        )
