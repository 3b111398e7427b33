"""What kafka-python is to do, one act a run; prints what came of it as JSON.

Runs in an environment of its own (tests/environments.py): `kafka` is kafka-python here, of 2.x or 3.x.
"""

import json
import sys
import threading
import time

import kafka
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewPartitions, NewTopic

IS_3 = kafka.__version__.startswith("3")
LIMIT_S = 20


def produce(servers, topic, count, **options):
    """Offsets by partition, of values that say their numbers."""
    producer = KafkaProducer(bootstrap_servers=servers, **options)
    futures = [producer.send(topic, b"v%d" % number, key=b"k%d" % number, headers=[("h", b"%d" % number)]) for number in range(count)]
    producer.flush(LIMIT_S)
    offsets = {}
    for future in futures:
        found = future.get(LIMIT_S)
        offsets.setdefault(found.partition, []).append(found.offset)
    producer.close()
    return offsets


def transactions(servers, topic, transactional_id):
    """One is committed, one is aborted, one is committed again."""
    producer = KafkaProducer(bootstrap_servers=servers, transactional_id=transactional_id)
    producer.init_transactions()
    for value in (b"kept", b"lost", b"kept too"):
        producer.begin_transaction()
        for _ in range(3):
            producer.send(topic, value, partition=0)
        producer.flush(LIMIT_S)
        if value == b"lost":
            producer.abort_transaction()
        else:
            producer.commit_transaction()
    producer.close()
    return "done"


def read_by_assignment(servers, topic, partitions, count, **options):
    consumer = KafkaConsumer(bootstrap_servers=servers, group_id=None, auto_offset_reset="earliest", consumer_timeout_ms=LIMIT_S * 1000, **options)
    assigned = [TopicPartition(topic, number) for number in range(partitions)]
    consumer.assign(assigned)
    found = []
    while len(found) < count:
        for records in consumer.poll(timeout_ms=500).values():
            found += [[record.partition, record.offset, record.value.decode(), [[n, v.decode()] for n, v in record.headers]] for record in records]
    ends = sorted(consumer.end_offsets(assigned).values())
    begins = sorted(consumer.beginning_offsets(assigned).values())
    consumer.close()
    return {"records": sorted(found), "begins": begins, "ends": ends}


def read_by_group(servers, topic, group, count):
    """Two members share the topic, the second one of which comes when the first has all of it."""
    seen, lock, stop = [], threading.Lock(), threading.Event()
    assignments = {}

    def run(name):
        consumer = KafkaConsumer(
            bootstrap_servers=servers, group_id=group, auto_offset_reset="earliest", client_id=name, heartbeat_interval_ms=200,
            session_timeout_ms=6000, enable_auto_commit=False,
        )  # fmt: skip
        consumer.partitions_for_topic(topic)  # 3.0.12 falls silent for ever, once in ten runs, where it hears of the topic while it joins
        consumer.subscribe([topic])
        while not stop.is_set():
            records = [record for found in consumer.poll(timeout_ms=100).values() for record in found]
            with lock:
                seen.extend([record.partition, record.offset] for record in records)
                assignments[name] = sorted(partition.partition for partition in consumer.assignment())
            if records:
                consumer.commit()
        consumer.close()

    threads = []
    deadline = time.monotonic() + LIMIT_S
    for name in ("first", "second"):
        threads.append(threading.Thread(target=run, args=(name,)))
        threads[-1].start()
        while not assignments.get(name) and time.monotonic() < deadline:
            time.sleep(0.02)
    while time.monotonic() < deadline:
        with lock:
            shares = [share for share in assignments.values() if share]
            if [len(share) for share in shares] == [2, 2] and len(set(map(tuple, seen))) >= count:
                break
        time.sleep(0.02)
    with lock:
        shares = dict(assignments)
    stop.set()
    for thread in threads:
        thread.join()
    after = KafkaConsumer(bootstrap_servers=servers, group_id=group)
    committed = [after.committed(TopicPartition(topic, number)) for share in shares.values() for number in share]
    after.close()
    return {"distinct": len(set(map(tuple, seen))), "shares": sorted(shares.values()), "committed": sorted(committed)}


def administrate(servers, topic):
    admin = KafkaAdminClient(bootstrap_servers=servers)
    admin.create_topics([NewTopic(name=topic, num_partitions=3, replication_factor=1)])
    listed = [topic in admin.list_topics()]
    admin.create_partitions({topic: 5 if IS_3 else NewPartitions(5)})
    (described,) = admin.describe_topics([topic])
    admin.delete_topics([topic])
    listed.append(topic in admin.list_topics())
    admin.close()
    return {"listed": listed, "partitions": len(described["partitions"])}


if __name__ == "__main__":
    act, arguments = sys.argv[1], json.loads(sys.argv[2])
    sys.stdout.write(json.dumps(globals()[act](**arguments)) + "\n")
