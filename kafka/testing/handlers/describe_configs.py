"""DescribeConfigs, versions 0-4.

Behaviour: the options of a topic, given ones and defaults, and those of a broker that this one has.
Differs from a broker: a broker's options are few, and none of its loggers' is known; no synonyms, no documentation.
Imported by: testing.handlers.  Imports: errors, protocol, testing.{cluster,exchange,topic_config}.
"""

from __future__ import annotations

from kafka.errors import BrokerResponseError, InvalidRequestError, InvalidTopicError, UnknownTopicOrPartitionError
from kafka.protocol.describe_configs import (
    DescribeConfigsResource,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
)
from kafka.testing.cluster import Cluster, Topic, is_legal
from kafka.testing.exchange import Call, words
from kafka.testing.topic_config import MAX_MESSAGE_BYTES, MIN_INSYNC_REPLICAS, ONLY_SHOWN, TIMESTAMP_TYPE
from kafka.testing.transactions import MAX_TRANSACTION_TIMEOUT_MS

VERSIONS = (0, 4)

_TOPIC, _BROKER = 2, 4
_OF_TOPIC, _OF_CLUSTER, _OF_BROKER, _DEFAULT = 1, 3, 4, 5  # where a value comes from
_BOOLEAN, _STRING, _INT, _LONG, _DOUBLE, _LIST = 1, 2, 3, 5, 6, 7  # what it is
_LIST_OPTION = "cleanup.policy"
_ENDINGS_OF_LONGS = (".ms", "flush.messages", "retention.bytes")
_FIRST_WITH_MIN_INSYNC_OF_CLUSTER = (4, 1)  # KIP-966


def handle(call: Call) -> DescribeConfigsResponse:
    return DescribeConfigsResponse(results=[_result(call, asked) for asked in call.request.resources])


def _result(call: Call, asked: DescribeConfigsResource) -> DescribeConfigsResult:
    try:
        found = _options(call, asked)
    except BrokerResponseError as error:
        return DescribeConfigsResult(
            error_code=error.errno, error_message=words(error), resource_type=asked.resource_type, resource_name=asked.resource_name
        )
    wanted = asked.configuration_keys
    configs = [option for option in found if wanted is None or option.name in wanted]
    return DescribeConfigsResult(error_message=None, resource_type=asked.resource_type, resource_name=asked.resource_name, configs=configs)


def _options(call: Call, asked: DescribeConfigsResource) -> list[DescribeConfigsResourceResult]:
    cluster = call.cluster
    if asked.resource_type == _TOPIC:
        if not is_legal(asked.resource_name):
            raise InvalidTopicError(f"{asked.resource_name!r} cannot name a topic")
        if asked.resource_name not in cluster.topics:
            raise UnknownTopicOrPartitionError(f"There is no topic {asked.resource_name}")
        return _of_topic(cluster, cluster.topics[asked.resource_name])
    if asked.resource_type != _BROKER:
        raise InvalidRequestError(f"Resource type {asked.resource_type} has no configs here")
    if asked.resource_name != str(call.node.node_id):
        raise InvalidRequestError(f"This is broker {call.node.node_id}, not {asked.resource_name!r}")
    return _of_broker(cluster)


def _of_topic(cluster: Cluster, topic: Topic) -> list[DescribeConfigsResourceResult]:
    values = {
        **ONLY_SHOWN,
        TIMESTAMP_TYPE: topic.config.timestamp_type.value,
        MAX_MESSAGE_BYTES: str(cluster.limit_of(topic)),
        MIN_INSYNC_REPLICAS: str(cluster.min_insync_of(topic)),
        **topic.config.given,
    }
    return [_option(cluster, name, value, is_given=name in topic.config.given) for name, value in sorted(values.items())]


def _option(cluster: Cluster, name: str, value: str, *, is_given: bool) -> DescribeConfigsResourceResult:
    source = _OF_TOPIC if is_given else _DEFAULT
    if name == MIN_INSYNC_REPLICAS and not is_given and cluster.release >= _FIRST_WITH_MIN_INSYNC_OF_CLUSTER:
        source = _OF_CLUSTER
    return DescribeConfigsResourceResult(
        name=name, value=value, is_default=source == _DEFAULT, config_source=source, config_type=_type_of(name), documentation=None
    )


def _type_of(name: str) -> int:
    """The number of the option's type."""
    if name == _LIST_OPTION:
        return _LIST
    default = ONLY_SHOWN.get(name, "0" if name in (MAX_MESSAGE_BYTES, MIN_INSYNC_REPLICAS) else "")
    if default in ("true", "false"):
        return _BOOLEAN
    if not default.replace(".", "").lstrip("-").isdigit():
        return _STRING
    if "." in default:
        return _DOUBLE
    return _LONG if name.endswith(_ENDINGS_OF_LONGS) else _INT


def _of_broker(cluster: Cluster) -> list[DescribeConfigsResourceResult]:
    values = {
        "auto.create.topics.enable": str(cluster.auto_create_topics).lower(),
        "default.replication.factor": str(len(cluster.nodes)),
        "message.max.bytes": str(cluster.max_message_bytes),
        "min.insync.replicas": str(cluster.min_insync_replicas),
        "num.partitions": str(cluster.default_partitions),
        "transaction.max.timeout.ms": str(MAX_TRANSACTION_TIMEOUT_MS),
    }
    return [
        DescribeConfigsResourceResult(name=name, value=value, read_only=True, config_source=_OF_BROKER, documentation=None)
        for name, value in values.items()
    ]
