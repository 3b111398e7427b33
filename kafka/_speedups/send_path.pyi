"""Types of the compiled module, of which kafka._accel picks by name."""

from typing import Any, Callable

class SendPath:
    def __init__(
        self,
        *,
        accumulator: Any,
        time: Callable[[], float] | None,
        monotonic: Callable[[], float] | None,
        most_bytes: int,
        notices_full: bool,
        seed: int,
        new_result: Callable[..., Any],
        new_batch: Callable[..., Any],
    ) -> None: ...
    def put(self, topic: str, all: list[Any], available: list[Any]) -> None: ...
    def has(self, topic: str) -> bool: ...
    def clear(self) -> None: ...
    def close(self) -> None: ...
    def append(self, topic: Any, value: Any, key: Any, headers: Any, partition: Any, timestamp_ms: Any) -> Any: ...
