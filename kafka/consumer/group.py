"""Where kafka-python has its consumer.

Imported by: consumer, applications.  Imports: nothing of ours.
"""

from __future__ import annotations

from typing import Any, NoReturn

_WHAT_TO_USE = (
    "kafka-producer is a producer and has no consumer. Use confluent-kafka or aiokafka, which can be installed beside it, "
    "for consuming; kafka-python cannot, since its package is called kafka too."
)


class KafkaConsumer:
    """Lets programs be imported that name it, and tracing wrap it; making one raises NotImplementedError.

    Threads: any.
    """

    def __init__(self, *topics: str, **configs: Any) -> NoReturn:
        raise NotImplementedError(_WHAT_TO_USE)

    def __iter__(self) -> KafkaConsumer:
        return self

    def __next__(self) -> NoReturn:
        raise NotImplementedError(_WHAT_TO_USE)  # OpenTelemetry's instrumentation looks for this method
