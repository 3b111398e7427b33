"""Which versions are chosen, and which release a broker is taken for."""

from __future__ import annotations

import pytest

from kafka.errors import UnsupportedVersionError
from kafka.protocol.metadata import MetadataRequest
from kafka.protocol.produce import ProduceRequest
from kafka.protocol.sasl_authenticate import SaslAuthenticateRequest
from kafka.protocol.versions import RELEASES, ApiVersionTable, caps_for, newest_release

PRODUCE, FETCH, LIST_OFFSETS, METADATA, API_VERSIONS, INIT_PRODUCER_ID, DESCRIBE_LOG_DIRS, SASL_AUTHENTICATE = 0, 1, 2, 3, 18, 22, 35, 36

# Where the highest version rises, as the client libraries of the releases themselves say.
FIRST_RELEASE_WITH: dict[int, dict[int, tuple[int, ...]]] = {
    PRODUCE: {
        0: (0, 8, 2), 1: (0, 9), 2: (0, 10, 0), 3: (0, 11), 5: (1, 0), 6: (2, 0), 7: (2, 1), 8: (2, 4), 9: (2, 8),
        10: (3, 7), 11: (3, 8), 12: (4, 0), 13: (4, 1),
    },
    FETCH: {
        0: (0, 8, 2), 1: (0, 9), 2: (0, 10, 0), 3: (0, 10, 1), 5: (0, 11), 6: (1, 0), 7: (1, 1), 8: (2, 0),
        10: (2, 1), 11: (2, 3), 12: (2, 7), 13: (3, 1), 15: (3, 5), 16: (3, 7), 17: (3, 9), 18: (4, 1),
    },
    LIST_OFFSETS: {
        0: (0, 8, 2), 1: (0, 10, 1), 2: (0, 11), 3: (2, 0), 4: (2, 1), 5: (2, 2), 6: (2, 8), 7: (3, 0), 8: (3, 5),
        9: (3, 9), 10: (4, 0), 11: (4, 2),
    },
    METADATA: {
        0: (0, 8, 2), 1: (0, 10, 0), 2: (0, 10, 1), 4: (0, 11), 5: (1, 0), 6: (2, 0), 7: (2, 1), 8: (2, 3),
        9: (2, 4), 11: (2, 8), 12: (3, 1), 13: (4, 0),
    },
    API_VERSIONS: {
        0: (0, 10, 0), 1: (0, 11), 2: (2, 0), 3: (2, 4), 4: (3, 9), 5: (4, 4),
    },
    INIT_PRODUCER_ID: {
        0: (0, 11), 1: (2, 0), 2: (2, 4), 3: (2, 5), 4: (2, 7), 5: (3, 8),
    },
    SASL_AUTHENTICATE: {
        0: (1, 0), 1: (2, 2), 2: (2, 5),
    },
}  # fmt: skip

# Ranges that real brokers were seen to list.
SEEN: dict[tuple[int, ...], dict[int, tuple[int, int]]] = {
    (0, 10, 2): {0: (0, 2), 1: (0, 3), 2: (0, 1), 3: (0, 2), 9: (0, 2), 10: (0, 0), 17: (0, 0), 18: (0, 0)},
    (0, 11): {0: (0, 3), 3: (0, 4), 18: (0, 1)},
    (1, 1): {0: (0, 5), 1: (0, 7), 3: (0, 5), 18: (0, 1)},
    (2, 8): {0: (0, 9), 2: (0, 6), 3: (0, 11), 18: (0, 3)},
    (3, 9): {0: (0, 11), 3: (0, 12), 18: (0, 4)},
    (4, 4): {0: (0, 13), 3: (0, 13), 18: (0, 5)},
}


def table_of(release: tuple[int, ...]) -> ApiVersionTable:
    return ApiVersionTable({key: (0, highest) for key, highest in RELEASES[release].items()})


@pytest.mark.parametrize(
    ("theirs", "cap", "expected"),
    [
        pytest.param((0, 9), None, 9, id="the broker's newest"),
        pytest.param((0, 11), 7, 7, id="the cap"),
        pytest.param((0, 99), None, 12, id="ours"),
        pytest.param((3, 11), 99, 11, id="a cap above all"),
        pytest.param((5, 5), 5, 5, id="the only one"),
    ],
)
def test_the_newest_version_of_both_sides_is_chosen(theirs: tuple[int, int], cap: int | None, expected: int) -> None:
    assert ApiVersionTable({PRODUCE: theirs}, {}).choose(ProduceRequest, cap) == expected


@pytest.mark.parametrize(
    ("ranges", "cap", "words"),
    [
        pytest.param({}, None, "does not know SaslAuthenticateRequest", id="API missing"),
        pytest.param({SASL_AUTHENTICATE: (3, 5)}, None, "3 to 5.* 0 to 2", id="broker too new"),
        pytest.param({SASL_AUTHENTICATE: (1, 2)}, 0, "1 to 2.* 0 to 2.*allows 0", id="api_version too old"),
    ],
)
def test_no_version_in_common_is_said_in_words(ranges: dict[int, tuple[int, int]], cap: int | None, words: str) -> None:
    with pytest.raises(UnsupportedVersionError, match=words):
        ApiVersionTable(ranges).choose(SaslAuthenticateRequest, cap)


@pytest.mark.parametrize("highest", [12, 13])
def test_produce_below_3_is_never_chosen_for_kafka_4_although_it_is_listed(highest: int) -> None:
    table = ApiVersionTable({PRODUCE: (0, highest), API_VERSIONS: (0, 4)})

    assert table.choose(ProduceRequest) == 12
    assert table.choose(ProduceRequest, 3) == 3
    with pytest.raises(UnsupportedVersionError):
        table.choose(ProduceRequest, 2)


def test_produce_below_3_is_chosen_where_older_releases_take_it() -> None:
    assert table_of((3, 9)).choose(ProduceRequest, 2) == 2
    assert table_of((0, 8, 2)).choose(ProduceRequest) == 0


def test_what_was_passed_in_is_not_changed() -> None:
    ranges = {PRODUCE: (0, 13), API_VERSIONS: (0, 5)}
    features = {"transaction.version": 2}

    table = ApiVersionTable(ranges, features)

    assert ranges == {PRODUCE: (0, 13), API_VERSIONS: (0, 5)}
    assert table.finalized_features == features


@pytest.mark.parametrize("release", [release for release in RELEASES if release >= (0, 10)], ids=str)
def test_every_release_is_told_from_the_others(release: tuple[int, ...]) -> None:
    told = newest_release(table_of(release))

    assert told == ((3, 4) if release == (3, 3) else release)


@pytest.mark.parametrize("release", SEEN, ids=str)
def test_real_brokers_are_told_from_what_they_list(release: tuple[int, ...]) -> None:
    assert newest_release(ApiVersionTable(SEEN[release])) == release


def test_a_release_newer_than_all_known_is_taken_for_the_newest() -> None:
    assert newest_release(ApiVersionTable({key: (0, highest + 1) for key, highest in RELEASES[4, 4].items()})) == (4, 4)


def test_a_broker_of_other_make_is_told_by_what_it_has() -> None:
    ranges = table_of((2, 8)).ranges
    del ranges[DESCRIBE_LOG_DIRS]

    assert newest_release(ApiVersionTable(ranges)) == (2, 8)


def test_a_broker_that_lists_nothing_of_use_is_taken_for_the_oldest_that_lists_anything() -> None:
    assert newest_release(ApiVersionTable({})) == (0, 10, 0)
    assert newest_release(ApiVersionTable({PRODUCE: (0, 0)})) == (0, 10, 0)


@pytest.mark.parametrize(
    ("api_version", "release"),
    [
        ((0, 8, 0), (0, 8, 0)),
        ((0, 8, 2, 2), (0, 8, 2)),
        ((0, 9), (0, 9)),
        ((0, 9, 0, 1), (0, 9)),
        ((0, 10), (0, 10, 0)),
        ((0, 10, 1, 1), (0, 10, 1)),
        ((0, 11, 0), (0, 11)),
        ((1, 0, 0), (1, 0)),
        ((2, 8, 2), (2, 8)),
        ((2, 99), (2, 8)),
        ((3, 3, 1), (3, 3)),
        ((9, 0), (4, 4)),
        ((0, 7), (0, 8, 0)),
    ],
    ids=str,
)
def test_caps_are_those_of_the_release_or_of_the_one_before(api_version: tuple[int, ...], release: tuple[int, ...]) -> None:
    assert caps_for(api_version) == RELEASES[release]


def test_caps_are_a_copy() -> None:
    caps_for((2, 8)).clear()

    assert caps_for((2, 8))[METADATA] == 11


def test_releases_never_go_back() -> None:
    rows = list(RELEASES.items())

    assert rows == sorted(rows, key=lambda row: row[0])
    for (_, older), (newer_release, newer) in zip(rows, rows[1:]):
        assert all(newer[key] >= highest for key, highest in older.items()), newer_release


@pytest.mark.parametrize("api_key", FIRST_RELEASE_WITH)
def test_highest_versions_rise_with_these_releases(api_key: int) -> None:
    for version, first in FIRST_RELEASE_WITH[api_key].items():
        before = [highest.get(api_key, -1) for release, highest in RELEASES.items() if release < first and release >= (0, 8, 2)]

        assert RELEASES[first][api_key] == version
        assert max(before, default=-1) < version


@pytest.mark.parametrize("release", [(0, 8, 2), (0, 9)], ids=str)
def test_releases_without_api_versions_have_no_cap_for_it(release: tuple[int, ...]) -> None:
    assert API_VERSIONS not in caps_for(release)
    assert caps_for(release)[METADATA] == 0


def test_metadata_of_every_release_has_a_version_that_we_speak() -> None:
    for release in RELEASES:
        assert table_of(release).choose(MetadataRequest) <= MetadataRequest.VALID_VERSIONS[1]


def test_a_line_is_its_first_release() -> None:
    assert caps_for((0, 10)) == caps_for((0, 10, 0))
    assert caps_for((0, 10))[ProduceRequest.API_KEY] == 2
    assert caps_for((2, 8)) == caps_for((2, 8, 0))
