"""Where requests name topics and partitions, and where answers have error codes.

Imported by: testing.{connection,faults}.  Imports: testing.exchange.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Callable, NamedTuple

from kafka.testing.cluster import Cluster
from kafka.testing.exchange import Answer, Call, Handler, Silence, at_once, then

Covers = Callable[["str | None", "int | None"], bool]
"""Whether this (topic, partition) is meant."""

_PRODUCE, _METADATA, _OFFSET_FETCH = 0, 3, 9


class Layout(NamedTuple):
    """The names of an API's fields."""

    topics: str
    name: str | None
    """None where topics are given as text."""
    partitions: str | None
    """None where it is about topics as a whole."""
    number: str | None
    """None where partitions are given as numbers."""
    answers: str
    answer_name: str
    answer_partitions: str | None = None
    answer_number: str = "partition_index"
    error: str = "error_code"
    failed: Mapping[str, Any] = {}
    """What an answer that is an error has besides."""


LAYOUTS: dict[int, tuple[Layout, ...]] = {
    0: (
        Layout(
            "topic_data", "name", "partition_data", "index", "responses", "name", "partition_responses", "index", failed={"base_offset": -1}
        ),
    ),
    1: (
        Layout(
            "topics", "topic", "partitions", "partition", "responses", "topic", "partitions",
            failed={"high_watermark": -1, "last_stable_offset": -1, "log_start_offset": -1, "records": []},
        ),
    ),
    2: (Layout("topics", "name", "partitions", "partition_index", "topics", "name", "partitions", failed={"timestamp": -1, "offset": -1}),),
    8: (Layout("topics", "name", "partitions", "partition_index", "topics", "name", "partitions"),),
    19: (Layout("topics", "name", None, None, "topics", "name"),),
    20: (Layout("topics", "name", None, None, "responses", "name"), Layout("topic_names", None, None, None, "responses", "name")),
    23: (
        Layout(
            "topics", "topic", "partitions", "partition", "topics", "topic", "partitions", "partition",
            failed={"leader_epoch": -1, "end_offset": -1},
        ),
    ),
    24: (
        Layout(
            "v3_and_below_topics", "name", "partitions", None, "results_by_topic_v3_and_below", "name", "results_by_partition",
            error="partition_error_code",
        ),
    ),
    28: (Layout("topics", "name", "partitions", "partition_index", "topics", "name", "partitions"),),
    32: (Layout("resources", "resource_name", None, None, "results", "resource_name"),),
    37: (Layout("topics", "name", None, None, "results", "name"),),
}  # fmt: skip
"""{API key: layouts, one for each form that its versions have}."""

_NAMES_ONLY = {
    3: (Layout("topics", "name", None, None, "topics", "name"),),
    9: (Layout("topics", "name", "partition_indexes", None, "topics", "name", "partitions"),),
}
"""As LAYOUTS, of APIs whose errors stand elsewhere."""

_FAILED: dict[int, Mapping[str, Any]] = {10: {"node_id": -1, "port": -1}, 22: {"producer_id": -1, "producer_epoch": -1}}
"""As Layout.failed, of APIs with one error for the whole answer."""

_LISTS: dict[int, tuple[tuple[str, str, str], ...]] = {
    10: (("coordinators", "coordinator_keys", "key"),),
    15: (("groups", "groups", "group_id"),),
    42: (("results", "groups_names", "group_id"),),
}
"""{API key: (answers, the names that the request has for them, the answer's field for its name)}."""


def named(request: Any, cluster: Cluster) -> Iterator[tuple[str | None, int | None]]:
    """The topics and partitions that a request is about."""
    for group in (request.groups or ()) if request.API_KEY == _OFFSET_FETCH else ():
        for topic in group.topics or ():
            yield from ((_name(topic, _NAMES_ONLY[_OFFSET_FETCH][0], cluster), index) for index in topic.partition_indexes)
    for layout in LAYOUTS.get(request.API_KEY, _NAMES_ONLY.get(request.API_KEY, ())):
        for topic in getattr(request, layout.topics, None) or ():
            name = _name(topic, layout, cluster)
            if layout.partitions is None:
                yield name, None
            else:
                yield from ((name, _number(partition, layout)) for partition in getattr(topic, layout.partitions) or ())


def refused(call: Call, error_code: int, covers: Covers, usual: Handler) -> Answer:
    """The answer that has this error for whatever `covers` says; the rest of the request is dealt with as usual."""
    api = call.request.API_KEY
    if api == _METADATA:
        return then(usual(call), lambda response: _refused_metadata(response, error_code, covers))
    if api == _OFFSET_FETCH:
        return then(usual(call), lambda response: _refused_offset_fetch(response, call.request, error_code, covers, call.cluster))
    for layout in LAYOUTS.get(api, ()):
        if getattr(call.request, layout.topics, None):
            return _refused_in_part(call, layout, error_code, covers, usual)
    return _refused_as_a_whole(call, error_code)


def _refused_in_part(call: Call, layout: Layout, error_code: int, covers: Covers, usual: Handler) -> Answer:
    kept, taken = _divide(call, layout, covers)
    request = copy.copy(call.request)
    setattr(request, layout.topics, kept)
    answer = at_once(usual(call._replace(request=request))) if kept else call.request.RESPONSE()
    if call.request.API_KEY == _PRODUCE and call.request.acks == 0:
        return Silence.CLOSE
    return then(answer, lambda response: _with_failed(response, taken, layout, error_code, call.cluster))


def _divide(call: Call, layout: Layout, covers: Covers) -> tuple[list[Any], list[Any]]:
    """The request's topics without what is covered, and with nothing else."""
    kept: list[Any] = []
    taken: list[Any] = []
    for topic in getattr(call.request, layout.topics):
        name = _name(topic, layout, call.cluster)
        if layout.partitions is None:
            (taken if covers(name, None) else kept).append(topic)
            continue
        asked = getattr(topic, layout.partitions)
        for target, is_wanted in ((kept, False), (taken, True)):
            part = [partition for partition in asked if covers(name, _number(partition, layout)) is is_wanted]
            if part:
                target.append(copy.copy(topic))
                setattr(target[-1], layout.partitions, part)
    return kept, taken


def _with_failed(response: Any, taken: list[Any], layout: Layout, error_code: int, cluster: Cluster) -> Any:
    answers = getattr(response, layout.answers)
    answer_class = type(response).FIELDS[layout.answers].element
    for topic in taken:
        identity = _identity(topic, layout, answer_class)
        if layout.partitions is None or layout.answer_partitions is None:
            answers.append(answer_class(**identity, **{layout.error: error_code}, **layout.failed))
            continue
        found = next((answer for answer in answers if all(getattr(answer, field) == value for field, value in identity.items())), None)
        if found is None:
            found = answer_class(**identity)
            answers.append(found)
        partition_class = answer_class.FIELDS[layout.answer_partitions].element
        getattr(found, layout.answer_partitions).extend(
            partition_class(**{layout.answer_number: _number(partition, layout), layout.error: error_code}, **layout.failed)
            for partition in getattr(topic, layout.partitions)
        )
    return response


def _identity(topic: Any, layout: Layout, answer_class: Any) -> dict[str, Any]:
    """How the answer says which topic it is about."""
    if layout.name is None:
        return {layout.answer_name: topic}
    shared = ("topic_id", "resource_type")
    return {
        layout.answer_name: getattr(topic, layout.name),
        **{field: getattr(topic, field) for field in shared if field in type(topic).FIELDS and field in answer_class.FIELDS},
    }


def _refused_metadata(response: Any, error_code: int, covers: Covers) -> Any:
    for topic in response.topics or ():
        if not covers(topic.name, None):
            continue
        covered = [partition for partition in topic.partitions if covers(topic.name, partition.partition_index)]
        if len(covered) == len(topic.partitions):
            topic.error_code, topic.partitions = error_code, []
        for partition in covered:
            partition.error_code, partition.leader_id = error_code, -1
    return response


def _refused_offset_fetch(response: Any, request: Any, error_code: int, covers: Covers, cluster: Cluster) -> Any:
    is_whole = all(covers(name, index) for name, index in named(request, cluster))
    if not response.groups:
        response.groups = [response.FIELDS["groups"].element(group_id=group.group_id) for group in request.groups or ()]
    groups = response.groups or [response]
    for group in groups:
        if is_whole:
            group.error_code = error_code
        for topic in group.topics:
            name = _name(topic, _NAMES_ONLY[_OFFSET_FETCH][0], cluster)
            for partition in topic.partitions:
                if covers(name, partition.partition_index):
                    partition.error_code, partition.committed_offset = error_code, -1
    return response


def wholly_refused(call: Call, error_code: int) -> Answer:
    """As refused(), for all that the request asks; nothing is looked up."""
    request = call.request
    if request.API_KEY == _METADATA:
        element = request.RESPONSE.FIELDS["topics"].element
        topics = [element(name=topic.name, topic_id=topic.topic_id, error_code=error_code) for topic in request.topics or ()]
        return request.RESPONSE(topics=topics)
    return refused(call, error_code, lambda topic, partition: True, lambda same: request.RESPONSE())


def _refused_as_a_whole(call: Call, error_code: int) -> Any:
    request, response = call.request, call.request.RESPONSE()
    _set(response, {"error_code": error_code, **_FAILED.get(request.API_KEY, {})})
    for answers, names, name in _LISTS.get(request.API_KEY, ()):
        element = response.FIELDS[answers].element
        made = [element(**{name: key, "error_code": error_code}) for key in getattr(request, names)]
        for answer in made:
            _set(answer, _FAILED.get(request.API_KEY, {}))
        setattr(response, answers, made)
    return response


def _set(response: Any, values: Mapping[str, Any]) -> None:
    """Give it these values, as far as it has such fields."""
    for field, value in values.items():
        if field in response.FIELDS:
            setattr(response, field, value)


def _name(topic: Any, layout: Layout, cluster: Cluster) -> str | None:
    if layout.name is None:
        return str(topic)
    name: str | None = getattr(topic, layout.name)
    if name or not hasattr(topic, "topic_id"):
        return name
    return next((known.name for known in list(cluster.topics.values()) if known.topic_id == topic.topic_id), None)


def _number(partition: Any, layout: Layout) -> int:
    return int(partition if layout.number is None else getattr(partition, layout.number))
