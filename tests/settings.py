"""The settings tests run under: the product's own, on a database and folders of their own."""

import atexit
import os
import shutil
import tempfile

if "VAR_DIR" not in os.environ:
    os.environ["VAR_DIR"] = tempfile.mkdtemp(prefix="copydesk-tests-")
    atexit.register(shutil.rmtree, os.environ["VAR_DIR"], ignore_errors=True)
os.environ.setdefault("SECRET_KEY", "for tests only")

from digest.management.commands.compile_translations import compile_file  # noqa: E402
from digest.settings import *  # noqa: E402, F403
from digest.settings import BASE_DIR, DATABASES, STATIC_ROOT, VAR_DIR  # noqa: E402

compile_file(BASE_DIR / "locale/zh_Hant/LC_MESSAGES/django.po")

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # whitenoise looks for it
# A file, not memory: threads and processes must meet in it as they do in the product.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
