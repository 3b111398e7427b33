"""Reads a topic with kafka-python's KafkaConsumer and prints one JSON object a record.

Runs in an environment of its own (read_back.py): `kafka` is kafka-python here.
"""

import base64
import json
import sys
import time

from kafka import KafkaConsumer, TopicPartition


def main(request):
    version = request["api_version"]
    consumer = KafkaConsumer(
        bootstrap_servers=request["bootstrap"].split(","),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        check_crcs=True,
        fetch_max_wait_ms=50,
        **({"api_version": tuple(version)} if version else {}),
    )
    partitions = [TopicPartition(request["topic"], number) for number in range(request["partitions"])]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    deadline = time.monotonic() + request["timeout_s"]
    found = []
    while len(found) < request["count"] or not all(is_at_end(consumer, partition) for partition in partitions):
        if time.monotonic() > deadline:
            sys.exit(f"{len(found)} records of {request['count']} in {request['timeout_s']} s")
        for records in consumer.poll(timeout_ms=200).values():
            found.extend(records)
    for record in found:
        sys.stdout.write(json.dumps(as_json(record)) + "\n")
    consumer.close()


def is_at_end(consumer, partition):
    end = consumer.highwater(partition)
    return end is not None and consumer.position(partition) >= end


def as_json(record):
    has_time = record.timestamp is not None and record.timestamp >= 0
    return {
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp if has_time else None,
        "timestamp_type": record.timestamp_type if has_time else None,
        "key": as_text(record.key),
        "value": as_text(record.value),
        "headers": [(name, as_text(value)) for name, value in record.headers],
    }


def as_text(data):
    return None if data is None else base64.b64encode(data).decode()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
