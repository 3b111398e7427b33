"""Writes docs/configuration.rst from the option table; with --check, says whether it is up to date."""

from __future__ import annotations

import sys
from pathlib import Path

from kafka.producer.config import OPTIONS

TARGET = Path(__file__).parent.parent / "docs" / "configuration.rst"
GROUPS = {
    "cluster": "Cluster",
    "records": "Records",
    "batching": "Batching and memory",
    "delivery": "Delivery",
    "connections": "Connections",
    "security": "Security",
    "metrics": "Metrics",
    "later": "Of later producers",
}


def shown(default: object) -> str:
    if isinstance(default, type):
        return f"{default.__module__}.{default.__qualname__}"
    if type(default).__module__.startswith("kafka."):
        return f"{type(default).__name__}()"
    if isinstance(default, list) and default:
        return "[(IPPROTO_TCP, TCP_NODELAY, 1)]"
    return repr(default)


def reference() -> str:
    lines = [
        "Options",
        "=======",
        "",
        "Keyword arguments of ``KafkaProducer``. This page is made from the table in ``kafka/producer/config.py``.",
        "",
    ]
    for group, title in GROUPS.items():
        lines += [title, "-" * len(title), ""]
        for option in OPTIONS:
            if option.group == group:
                unit = f", {option.unit}" if option.unit else ""
                lines += [f"``{option.name}`` (default ``{shown(option.default)}``{unit})", f"    {option.doc}", ""]
    return "\n".join(lines)


def main() -> int:
    text = reference()
    if "--check" in sys.argv[1:]:
        up_to_date = TARGET.exists() and TARGET.read_text() == text
        print("docs/configuration.rst is up to date" if up_to_date else "docs/configuration.rst is stale: run python -m tools.config_reference")
        return 0 if up_to_date else 1
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
