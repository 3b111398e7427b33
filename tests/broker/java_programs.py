"""Command lines of Java programs out of a Kafka release."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.broker.kafka_jars import class_path, release

# TieredStopAtLevel=1 starts faster and runs slower: leave it out for benchmarks.
SMALL_JVM = ("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
FAST_JVM = ("-Xmx1g", "-XX:+UseSerialGC")
LAST_DUMP_LOG_SEGMENTS = "3.9.1"  # it reads the logs of 4.x as well, whose jars lack it


def java_command(version: str, main: Sequence[str], *, scratch: Path, options: Sequence[str] = SMALL_JVM) -> list[str]:
    """`main` is a class (or source file) and its arguments; whatever the JVM leaves behind goes to `scratch`."""
    kept_in_scratch = (f"-Djava.io.tmpdir={scratch}", "-XX:-UsePerfData", f"-XX:ErrorFile={scratch}/hs_err.log")
    logging = (f"-Dlog4j.configuration=file:{scratch}/log4j.properties", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
    return ["java", *options, *kept_in_scratch, *logging, "-cp", class_path(version), *main]


def create_topic_arguments(zookeeper: str, name: str, partitions: int, replication: int, config: Sequence[str]) -> list[str]:
    """For releases before 0.10.2, whose brokers clients cannot ask."""
    main = ["kafka.admin.TopicCommand", "--create", "--zookeeper", zookeeper, "--topic", name]
    main += ["--partitions", str(partitions), "--replication-factor", str(replication)]
    for setting in config:
        main += ["--config", setting]
    return main


def dump_log_arguments(segment_files: Sequence[Path]) -> list[str]:
    files = ",".join(str(path) for path in segment_files)
    return ["kafka.tools.DumpLogSegments", "--deep-iteration", "--print-data-log", "--files", files]


def dump_log_version(version: str) -> str:
    return version if release(version) <= release(LAST_DUMP_LOG_SEGMENTS) else LAST_DUMP_LOG_SEGMENTS
