"""Sphinx configuration: `make docs`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from kafka.version import __version__

project = "kafka-producer"
author = "The kafka-producer developers"
project_copyright = "The kafka-producer developers"
release = version = __version__
extensions = ["sphinx.ext.autodoc"]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
exclude_patterns = ["_build"]
html_theme = "alabaster"
