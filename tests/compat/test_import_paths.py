"""Every import path of kafka-python that applications and instrumentation use, and what the placeholders say.

One row per module. A row's names must be importable from it; rows that share a name must give the same object unless `OWN` says otherwise.
"""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

PATHS: dict[str, list[str]] = {
    # --- the producer, its futures and what they are made of ----------------------------------------------------------
    "kafka": [
        "KafkaProducer", "KafkaConsumer", "KafkaAdminClient", "KafkaClient", "BrokerConnection", "TopicPartition", "OffsetAndMetadata",
        "Serializer", "Deserializer", "RoundRobinPartitioner", "HashedPartitioner", "Murmur2Partitioner", "LegacyPartitioner", "__version__",
    ],
    "kafka.version": ["__version__"],
    "kafka.producer": ["KafkaProducer"],
    "kafka.producer.kafka": ["KafkaProducer"],
    "kafka.producer.future": ["FutureRecordMetadata", "FutureProduceResult", "RecordMetadata"],
    "kafka.future": ["Future"],
    "kafka.cluster": ["ClusterMetadata", "collect_hosts", "get_ip_port_afi"],
    "kafka.client_async": ["KafkaClient", "selectors"],
    # --- serializers and partitioners ---------------------------------------------------------------------------------
    "kafka.serializer": ["Serializer", "Deserializer", "DefaultSerializer", "JsonSerializer", "SerializeWrapper", "DeserializeWrapper"],
    "kafka.serializer.abstract": ["Serializer", "Deserializer"],
    "kafka.partitioner": [
        "DefaultPartitioner", "RoundRobinPartitioner", "HashedPartitioner", "Murmur2Partitioner", "LegacyPartitioner", "Partitioner",
        "StickyPartitioner", "murmur2",
    ],
    "kafka.partitioner.base": ["Partitioner"],
    "kafka.partitioner.default": ["DefaultPartitioner", "murmur2"],
    "kafka.partitioner.hashed": ["HashedPartitioner", "Murmur2Partitioner", "LegacyPartitioner", "murmur2"],
    "kafka.partitioner.roundrobin": ["RoundRobinPartitioner"],
    "kafka.partitioner.sticky": ["StickyPartitioner"],
    # --- records and codecs -------------------------------------------------------------------------------------------
    "kafka.record": ["MemoryRecords", "MemoryRecordsBuilder"],
    "kafka.record.memory_records": ["MemoryRecords", "MemoryRecordsBuilder"],
    "kafka.record.abc": ["ABCRecord", "ABCRecordBatch", "ABCRecords"],
    "kafka.record.util": ["calc_crc32", "calc_crc32c", "encode_varint", "decode_varint", "size_of_varint"],
    "kafka.codec": [
        "has_gzip", "has_snappy", "has_lz4", "has_zstd", "gzip_encode", "gzip_decode", "snappy_encode", "snappy_decode", "lz4_encode",
        "lz4_decode", "lz4_encode_old_kafka", "lz4_decode_old_kafka", "zstd_encode", "zstd_decode",
    ],
    # --- errors -----------------------------------------------------------------------------------------------------
    "kafka.errors": [
        "KafkaError", "KafkaTimeoutError", "KafkaConnectionError", "NoBrokersAvailable", "NodeNotReadyError", "MessageSizeTooLargeError",
        "TopicAlreadyExistsError", "UnknownTopicOrPartitionError", "CommitFailedError", "ConnectionError", "for_code", "kafka_errors",
        "_iter_broker_errors",
    ],
    "kafka.common": ["KafkaError", "KafkaTimeoutError", "ConnectionError", "check_error", "TopicPartition", "OffsetAndMetadata"],
    "kafka.structs": ["TopicPartition", "OffsetAndMetadata", "BrokerMetadata", "PartitionMetadata"],
    # --- metrics ----------------------------------------------------------------------------------------------------
    "kafka.metrics": [
        "Metrics", "MetricConfig", "MetricName", "KafkaMetric", "AnonMeasurable", "NamedMeasurable", "DictReporter", "Quota",
    ],
    "kafka.metrics.metrics": ["Metrics"],
    "kafka.metrics.metric_config": ["MetricConfig"],
    "kafka.metrics.metric_name": ["MetricName"],
    "kafka.metrics.kafka_metric": ["KafkaMetric"],
    "kafka.metrics.metrics_reporter": ["AbstractMetricsReporter"],
    "kafka.metrics.dict_reporter": ["DictReporter"],
    "kafka.metrics.quota": ["Quota"],
    "kafka.metrics.stat": ["AbstractStat"],
    "kafka.metrics.measurable": ["AbstractMeasurable", "AnonMeasurable"],
    "kafka.metrics.measurable_stat": ["AbstractMeasurableStat"],
    "kafka.metrics.compound_stat": ["AbstractCompoundStat", "NamedMeasurable"],
    "kafka.metrics.stats": ["Avg", "Count", "Histogram", "Max", "Min", "Percentile", "Percentiles", "Rate", "Sensor", "Total"],
    "kafka.metrics.stats.avg": ["Avg"],
    "kafka.metrics.stats.count": ["Count"],
    "kafka.metrics.stats.histogram": ["Histogram"],
    "kafka.metrics.stats.max_stat": ["Max"],
    "kafka.metrics.stats.min_stat": ["Min"],
    "kafka.metrics.stats.percentile": ["Percentile"],
    "kafka.metrics.stats.percentiles": ["BucketSizing", "Percentiles"],
    "kafka.metrics.stats.rate": ["Rate", "TimeUnit"],
    "kafka.metrics.stats.sampled_stat": ["AbstractSampledStat"],
    "kafka.metrics.stats.sensor": ["Sensor"],
    "kafka.metrics.stats.total": ["Total"],
    # --- token providers --------------------------------------------------------------------------------------------
    "kafka.oauth": ["AbstractTokenProvider"],
    "kafka.sasl.oauth": ["AbstractTokenProvider"],
    "kafka.net.sasl.oauth": ["AbstractTokenProvider"],
    # --- placeholders -----------------------------------------------------------------------------------------------
    "kafka.admin": ["KafkaAdminClient"],
    "kafka.consumer": ["KafkaConsumer"],
    "kafka.consumer.group": ["KafkaConsumer"],
    # --- odds and ends ----------------------------------------------------------------------------------------------
    "kafka.util": ["WeakMethod", "crc32", "ensure_valid_topic_name"],
}  # fmt: skip

OWN: dict[str, set[str]] = {"kafka.partitioner.base": {"Partitioner"}}
"""Modules whose object of a name is another one than elsewhere."""


@pytest.mark.parametrize(("path", "names"), PATHS.items(), ids=list(PATHS))
def test_names_can_be_imported_from_where_applications_look_for_them(path, names):
    module = importlib.import_module(path)

    assert [name for name in names if not hasattr(module, name)] == []


@pytest.mark.parametrize("path", PATHS)
def test_each_path_can_be_the_first_import_of_a_program(path):
    subprocess.run([sys.executable, "-W", "error", "-c", f"import {path}"], check=True, timeout=30)


def test_a_name_is_the_same_object_wherever_it_is_imported_from():
    seen = {}
    for path, names in PATHS.items():
        for name in set(names) - OWN.get(path, set()):
            seen.setdefault(name, set()).add(id(getattr(importlib.import_module(path), name)))

    assert [name for name, objects in seen.items() if len(objects) > 1] == []


def test_common_has_no_name_that_errors_and_structs_lack():
    common = importlib.import_module("kafka.common")

    for name in ("NoSuchError", "_TimedOut"):
        with pytest.raises(AttributeError, match=f"module 'kafka.common' has no attribute '{name}'"):
            getattr(common, name)


@pytest.mark.parametrize(
    ("path", "name", "arguments"),
    [
        ("kafka.consumer", "KafkaConsumer", (["topic"], {"bootstrap_servers": "localhost"})),
        ("kafka.admin", "KafkaAdminClient", ([], {"bootstrap_servers": "localhost"})),
    ],
)
def test_a_placeholder_says_what_to_use_instead(path, name, arguments):
    args, kwargs = arguments

    with pytest.raises(NotImplementedError, match=r"kafka-producer is a producer.*confluent-kafka or aiokafka"):
        getattr(importlib.import_module(path), name)(*args, **kwargs)


def test_tracing_can_wrap_the_consumers_next():
    consumer = importlib.import_module("kafka.consumer").KafkaConsumer
    made = consumer.__new__(consumer)

    assert iter(made) is made
    with pytest.raises(NotImplementedError):
        next(made)


def test_a_token_provider_needs_only_a_token():
    provider_class = importlib.import_module("kafka.oauth").AbstractTokenProvider

    class Provider(provider_class):
        def token(self):
            return "a.b.c"

    provider = Provider(scope="any configuration")
    assert (provider.token(), provider.extensions()) == ("a.b.c", {})
    with pytest.raises(TypeError):
        provider_class()


@pytest.mark.parametrize(("data", "expected"), [(b"", 0), (b"a", -390611389), (b"abc", 891568578)], ids=["nothing", "negative", "positive"])
def test_crc32_is_signed(data, expected):
    assert importlib.import_module("kafka.util").crc32(data) == expected


def test_a_weak_method_calls_its_object_and_does_not_keep_it():
    weak_method = importlib.import_module("kafka.util").WeakMethod

    class Target:
        def double(self, number, plus=0):
            return number * 2 + plus

    target = Target()
    weak = weak_method(target.double)

    assert weak(2, plus=1) == 5
    assert weak == weak_method(target.double)
    assert len({weak, weak_method(target.double)}) == 1
    assert weak != weak_method(Target().double)
    del target
    with pytest.raises(ReferenceError):
        weak(2)


def test_topic_names_are_checked_as_in_send():
    check = importlib.import_module("kafka.util").ensure_valid_topic_name

    check("orders.v1_a-b")
    for wrong, error in [(None, TypeError), (b"t", TypeError), ("", ValueError), ("..", ValueError), ("a b", ValueError), ("a" * 250, ValueError)]:
        with pytest.raises(error):
            check(wrong)
        with pytest.raises(AssertionError):
            check(wrong)
