"""Types of the compiled module, of which kafka._accel picks by name; the twins have those of the Python code they mirror."""

from typing import Any, Callable

def install(
    *,
    record_metadata: type[Any] | None = None,
    future: type[Any] | None = None,
    report_callback_error: Callable[[Any, BaseException, bool], None] | None = None,
    crc32c: Callable[..., int] | None = None,
) -> None: ...

def untrack(thing: Any) -> None: ...
def track(thing: Any) -> None: ...

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
