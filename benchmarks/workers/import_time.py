"""How long the first import of a package takes, each time in a fresh interpreter.

    python -m benchmarks.workers.import_time TASK

Interpreters start without `site`: what an environment's own start-up imports, an editable install's finder for one, would be free for
one package and not for the other.
Run by: benchmarks.contests.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import sysconfig

from benchmarks.workers.task import Report, finish, read_task

IMPORT = """\
import sys, time
sys.path += sys.argv[2:]
began_s = time.perf_counter()
__import__(sys.argv[1])
print(time.perf_counter() - began_s)
"""


def import_s(package: str) -> float:
    folders = dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    command = [sys.executable, "-S", "-c", IMPORT, package, *folders]
    return float(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout)


def main() -> None:
    task = read_task()
    package = dict(task.work.options)["package"]
    figures = {"import_ms": statistics.median(import_s(package) for _ in range(task.records)) * 1000}
    finish(task, Report(versions={}, figures=figures))


if __name__ == "__main__":
    main()
