"""Types of the compiled module, of which kafka._accel picks by name; the twins have those of the Python code they mirror."""

from typing import Any, Callable

def install(
    *,
    record_metadata: type[Any] | None = None,
    future: type[Any] | None = None,
    latch: type[Any] | None = None,
    timeout_error: type[Any] | None = None,
    report_callback_error: Callable[[Any, BaseException, bool], None] | None = None,
) -> None: ...
class Watch:
    in_vain: int
    passed_over: int
    is_taken: bool

def untrack(thing: Any) -> None: ...
def track(thing: Any) -> None: ...
