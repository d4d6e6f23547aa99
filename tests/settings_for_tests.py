"""Settings of the test run: the product's own, in a throw-away home, on the database that dev.py names.

A process of its own is needed because the product reads its environment when its settings are imported;
every pytest-xdist worker gets a home and a database of its own.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
_run = os.environ.get("TONGCHOU_TEST_RUN")
if not _run:
    _run = os.environ["TONGCHOU_TEST_RUN"] = tempfile.mkdtemp(prefix="tongchou-test-")
    atexit.register(shutil.rmtree, _run, ignore_errors=True)
_home = Path(_run) / _worker
(_home / "static").mkdir(parents=True, exist_ok=True)
os.environ["TONGCHOU_HOME"] = str(_home)

from tongchou.settings import *  # noqa: E402, F403

# A file, not memory: locks, WAL and a second connection behave as in production. pytest-django adds the worker's name.
_on_postgres = DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql"  # noqa: F405
DATABASES["default"]["TEST"] = {  # noqa: F405
    "NAME": f"test_tongchou_{Path(_run).name[-8:].lower()}" if _on_postgres else str(Path(_run) / "test.sqlite3"),
    "TEMPLATE": "template0" if _on_postgres else None,
}
if "scans" in DATABASES:  # noqa: F405
    DATABASES["scans"]["TEST"] = {"NAME": str(Path(_run) / "test_scans.sqlite3")}  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AXES_ENABLED = False
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
