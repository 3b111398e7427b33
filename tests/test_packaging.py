"""Building and installing: with the compiled send path, and without it where it cannot or shall not be built."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from kafka._speedups import FROM_SOURCE, TWINS

ROOT = Path(__file__).parent.parent
SOURCES = ("kafka", "pytest_kafka_producer.py", "pyproject.toml", "setup.py", "MANIFEST.in", "README.rst", "LICENSE")
BUILT = shutil.ignore_patterns("*.so", "*.pyd", "*.c", "__pycache__")

HAS_COMPILER = any(shutil.which(name) for name in (os.environ.get("CC", "cc").split()[0], "gcc", "clang"))
MISSING = [name for name in ("pip", "setuptools", "Cython") if importlib.util.find_spec(name) is None]

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"building without a network needs {', '.join(MISSING)} here")

TELL = "import logging; logging.basicConfig(level='INFO', format='%(levelname)s %(message)s'); import kafka, kafka.producer; print(kafka.__impl__)"


def environment(**changes: str) -> dict[str, str]:
    ours = {"KAFKA_IMPL", "KAFKA_SPEEDUPS", "KAFKA_REQUIRE_SPEEDUPS", "PYTHONPATH"}
    return {**{name: value for name, value in os.environ.items() if name not in ours}, **changes}


def run(*arguments: str, cwd: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=cwd, env=environment(**changes), capture_output=True, text=True, timeout=300, check=False)


def copied_to(directory: Path) -> Path:
    """The sources as a checkout has them, nothing built."""
    target = directory / "source"
    target.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, ignore=BUILT)
        else:
            shutil.copy(ROOT / name, target / name)
    return target


def wheel_command(directory: Path) -> tuple[str, ...]:
    return ("-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-build-isolation", "--no-deps", "-w", str(directory), ".")


def installed(directory: Path, **changes: str) -> Path:
    """The package as a wheel brings it, that was built with these changes to the environment."""
    built = run(*wheel_command(directory / "wheels"), cwd=copied_to(directory), **changes)
    assert built.returncode == 0, built.stdout + built.stderr
    [wheel] = (directory / "wheels").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory / "site")
    return directory / "site"


def compiled_files(site: Path) -> list[str]:
    """Names of the modules that are compiled."""
    return [
        ".".join((*path.relative_to(site).parent.parts, path.name.split(".")[0])) for path in site.rglob("*") if path.suffix in (".so", ".pyd")
    ]


def check_python_does_the_work(site: Path) -> None:
    assert not compiled_files(site)
    told = run("-c", TELL, cwd=site, PYTHONPATH=str(site))
    assert told.stdout.split() == ["python"], told.stderr
    said = [line for line in told.stderr.splitlines() if "compiled send path" in line]
    assert len(said) == 1
    assert said[0].startswith("INFO The compiled send path is not installed")
    assert "C compiler" in said[0]
    quiet = run("-c", "import kafka; print(kafka.__impl__)", cwd=site, PYTHONPATH=str(site))
    assert (quiet.stdout.split(), quiet.stderr) == (["python"], "")
    refused = run("-c", "import kafka", cwd=site, PYTHONPATH=str(site), KAFKA_IMPL="compiled")
    assert refused.returncode != 0
    assert "ImportError: KAFKA_IMPL=compiled, but kafka-producer was installed without its compiled send path" in refused.stderr


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not HAS_COMPILER, reason="there is no C compiler")
def test_a_wheel_brings_the_compiled_send_path(tmp_path: Path) -> None:
    site = installed(tmp_path, KAFKA_REQUIRE_SPEEDUPS="1", CFLAGS="-O0")  # it is built for its names, not for its speed
    assert sorted(compiled_files(site)) == sorted((*TWINS, *FROM_SOURCE))
    for choice, implementation in (("", "compiled"), ("compiled", "compiled"), ("python", "python")):
        told = run("-c", TELL, cwd=site, PYTHONPATH=str(site), KAFKA_IMPL=choice)
        assert (told.stdout.split(), told.stderr) == ([implementation], "")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_without_a_compiler_the_install_succeeds_and_python_does_the_work(tmp_path: Path) -> None:
    check_python_does_the_work(installed(tmp_path, CC=shutil.which("false") or "no-such-compiler"))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_required_compiled_send_path_that_cannot_be_built_is_an_error(tmp_path: Path) -> None:
    failed = run(*wheel_command(tmp_path), cwd=copied_to(tmp_path), CC=shutil.which("false") or "no-such-compiler", KAFKA_REQUIRE_SPEEDUPS="1")
    assert failed.returncode != 0
    assert not list(tmp_path.glob("*.whl"))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_it_can_be_left_out(tmp_path: Path) -> None:
    site = installed(tmp_path, KAFKA_SPEEDUPS="0", CC=shutil.which("false") or "no-such-compiler")
    check_python_does_the_work(site)
    [wheel] = (tmp_path / "wheels").glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_wheel_brings_the_pytest_plugin(tmp_path: Path) -> None:
    site = installed(tmp_path, KAFKA_SPEEDUPS="0")
    (tmp_path / "test_it.py").write_text("def test_it(kafka_broker, kafka_producer):\n    kafka_producer.send('t', b'v').get(10)\n")
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "test_it.py", cwd=tmp_path, PYTHONPATH=str(site))
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_the_sources_hold_all_that_a_build_needs(tmp_path: Path) -> None:
    source = copied_to(tmp_path)
    made = run("-c", f"from setuptools import build_meta; build_meta.build_sdist({str(tmp_path)!r})", cwd=source, KAFKA_SPEEDUPS="0")
    assert made.returncode == 0, made.stderr
    [archive] = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    wanted = {str(path.relative_to(ROOT)) for path in (ROOT / "kafka").rglob("*") if path.suffix in (".py", ".pyx", ".pxd", ".pyi")}
    assert {"setup.py", "pyproject.toml", *wanted} <= names


@pytest.mark.parametrize("choice", ["nonsense", "Python", "c", " "])
def test_a_choice_that_there_is_not_is_an_import_error(choice: str) -> None:
    refused = run("-c", "import kafka", cwd=ROOT, KAFKA_IMPL=choice)
    assert refused.returncode != 0
    assert f"ImportError: KAFKA_IMPL={choice!r}: it must be 'python' or 'compiled'" in refused.stderr


def test_python_can_be_chosen() -> None:
    told = run("-c", TELL, cwd=ROOT, KAFKA_IMPL="python")
    assert (told.stdout.split(), told.stderr) == (["python"], "")
