"""faults.Error in every answer: the code stands where clients look for it, whatever API and version it is."""

from __future__ import annotations

import random
from typing import Any

import pytest

from kafka.errors import InvalidRecordError
from kafka.protocol.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from kafka.protocol.schema import Request, Struct
from kafka.testing import faults
from kafka.testing.clock import VirtualClock
from kafka.testing.cluster import Cluster
from kafka.testing.connection import ServerConnection
from kafka.testing.handlers import SERVED
from kafka.testing.refusals import LAYOUTS, Layout
from tests.protocol.messages import REQUESTS
from tests.protocol.samples import sample
from tests.testing.wire import ask, batch

CODE = InvalidRecordError.errno
EVERY_VERSION = [
    (served.request_class, version) for served in SERVED.values() for version in range(served.versions[0], served.versions[1] + 1)
]


def codes_in(message: Any) -> list[int]:
    """Every error code, of what an answer holds too."""
    found = []
    for name, value in vars(message).items():
        if name.endswith("error_code"):
            found.append(value)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Struct):
                found += codes_in(item)
    return found


@pytest.mark.parametrize(("request_class", "version"), EVERY_VERSION, ids=lambda value: getattr(value, "__name__", value))
def test_every_answer_may_be_an_error(clock: VirtualClock, request_class: type[Request], version: int) -> None:
    cluster = Cluster(clock=clock)
    request = sample(request_class, version, random.Random(version))
    with cluster.faults.add(faults.Error(CODE)) as rule:
        response = ask(ServerConnection(cluster, cluster.nodes[1]), request, version)
    assert rule.hits == 1
    assert CODE in codes_in(response)


@pytest.mark.parametrize(("api_key", "layout"), [(key, layout) for key, layouts in LAYOUTS.items() for layout in layouts])
def test_layouts_name_fields_that_messages_have(api_key: int, layout: Layout) -> None:
    (request_class,) = [kind for kind in REQUESTS if api_key == kind.API_KEY]
    topic = request_class.FIELDS[layout.topics].element
    answer = request_class.RESPONSE.FIELDS[layout.answers].element
    assert layout.name is None or layout.name in topic.FIELDS
    assert layout.answer_name in answer.FIELDS
    if layout.partitions is None:
        assert {layout.error, *layout.failed} <= answer.FIELDS.keys()
        return
    assert layout.number is None or layout.number in topic.FIELDS[layout.partitions].element.FIELDS
    assert layout.answer_partitions is not None
    assert {layout.answer_number, layout.error, *layout.failed} <= answer.FIELDS[layout.answer_partitions].element.FIELDS.keys()


def test_a_topic_that_is_named_by_its_id_is_found_by_name(clock: VirtualClock) -> None:
    cluster = Cluster(clock=clock)
    topic_ids = {name: cluster.create_topic(name).topic_id for name in ("t", "u")}
    data = [
        TopicProduceData(topic_id=topic_id, partition_data=[PartitionProduceData(index=0, records=batch([b"v"]))]) for topic_id in topic_ids.values()
    ]
    request = ProduceRequest(acks=-1, timeout_ms=1000, topic_data=data)

    cluster.faults.add(faults.Error(CODE), topic="u")

    response = ask(ServerConnection(cluster, cluster.nodes[1]), request, 13)
    codes = {topic.topic_id: topic.partition_responses[0].error_code for topic in response.responses}
    assert codes == {topic_ids["t"]: 0, topic_ids["u"]: CODE}
    assert (len(cluster.records("t")), len(cluster.records("u"))) == (1, 0)
