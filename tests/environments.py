"""Environments of their own for clients whose import name is ours."""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

KAFKA_PYTHON_EXTRAS = ("crc32c", "lz4", "xxhash", "python-snappy", "zstandard")
INSTALL_TIMEOUT_S = 300


@functools.cache
def environment_with(*packages: str) -> Path:
    """The interpreter of an environment that has these packages, made on first use."""
    named = os.environ.get("KAFKA_TESTS_READER")
    home = Path(named).resolve() if named else Path(__file__).with_name("broker") / ".reader"
    contents = " ".join([*packages, sys.version])
    environment = home / hashlib.sha256(contents.encode()).hexdigest()[:12]
    interpreter = environment / "bin" / "python"
    if not (environment / ".complete").is_file():
        home.mkdir(parents=True, exist_ok=True)
        venv.create(environment, clear=True, with_pip=True)
        install = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
        subprocess.run(install, check=True, timeout=INSTALL_TIMEOUT_S)
        (environment / ".complete").touch()
    return interpreter
