"""Send records through whichever `kafka` package this interpreter has, check every outcome, print figures as JSON.

Run by benchmarks.__main__ in the environment of each client, so it uses nothing but the API that both have.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import kafka
from kafka import KafkaProducer


def main() -> None:
    settings = json.loads(sys.argv[1])
    topic, count, value = settings["topic"], settings["records"], b"x" * settings["value_bytes"]
    producer = KafkaProducer(bootstrap_servers=settings["bootstrap"], **settings["options"])
    producer.send(topic, value).get(timeout=30)

    cpu_before = _cpu_s()
    began = time.perf_counter()
    futures = [producer.send(topic, value) for _ in range(count)]
    producer.flush()
    seconds = time.perf_counter() - began
    cpu_s = _cpu_s() - cpu_before

    acknowledged = sum(1 for future in futures if future.succeeded() and future.value.offset >= 0)
    producer.close()
    print(
        json.dumps(
            {
                "version": kafka.__version__,
                "acknowledged": acknowledged,
                "failed": count - acknowledged,
                "records_per_s": acknowledged / seconds,
                "cpu_us_per_record": cpu_s / count * 1e6,
            }
        )
    )


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
