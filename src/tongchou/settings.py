"""Django settings of every process. A town's machine is set by a few variables and a folder; nothing else is configured in code.

TONGCHOU_HOME      folder of this installation: database, keys, evidence files, logs (default ./tongchou-home)
TONGCHOU_DATABASE  postgresql://user:password@host:port/name for a server; unset means SQLite in the folder
TONGCHOU_SCANS     the same for the log of scans; unset means a file of its own in the folder, or the server named above
TONGCHOU_HOSTS     comma-separated host names the pages answer to (default localhost only)
TONGCHOU_ADDRESS   https://host under which everybody reaches the pages: what posters, passes, screens and status lists carry
"""

import os
import re
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from tongchou.core.keys import load_keys

HOME = Path(os.environ.get("TONGCHOU_HOME", "tongchou-home")).resolve()
KEYS = load_keys(HOME)
SECRET_KEY = KEYS.session.hex()
DEBUG = os.environ.get("TONGCHOU_DEBUG") == "1"
ALLOWED_HOSTS = [h for h in os.environ.get("TONGCHOU_HOSTS", "127.0.0.1,localhost,testserver").split(",") if h]
PUBLIC_ADDRESS = os.environ.get("TONGCHOU_ADDRESS", "").rstrip("/")
if PUBLIC_ADDRESS:
    if not re.fullmatch(r"https?://[\w.-]+(:\d+)?", PUBLIC_ADDRESS, re.ASCII):
        raise ImproperlyConfigured("TONGCHOU_ADDRESS must read https://host, without a path, as it is printed on posters")
    ALLOWED_HOSTS.append(str(urlsplit(PUBLIC_ADDRESS).hostname))


def _database(url: str, file: str) -> dict[str, object]:
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": HOME / file,
            # One writer at a time, told at BEGIN rather than at the first write; FULL: an acknowledged commit is on disk.
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON; PRAGMA cache_size=-65536;",
            },
        }
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
        raise ImproperlyConfigured("TONGCHOU_DATABASE and TONGCHOU_SCANS must read postgresql://user:password@host:port/name")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 5} | dict(parse_qsl(parts.query)),  # ?sslmode=verify-full and the like
    }


DATABASES = {"default": _database(os.environ.get("TONGCHOU_DATABASE", ""), "tongchou.sqlite3")}
# A file has one writer at a time: an import that holds the desk's for seconds must not hold up a door.
_scans = os.environ.get("TONGCHOU_SCANS", "")
SCANS_DATABASE = "scans" if _scans or not os.environ.get("TONGCHOU_DATABASE") else "default"
if SCANS_DATABASE == "scans":
    DATABASES["scans"] = _database(_scans, "scans.sqlite3")
DATABASE_ROUTERS = ["tongchou.domains.gate.routing.ScansApart"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CORE = ["schema", "places", "people", "parameters", "audit", "casework", "outbox", "importing", "runs", "passes"]
DOMAINS = [
    "registry",
    "sentinels",
    "warning",
    "response",
    "gate",
    "testing",
    "tracing",
    "exposures",
    "spot_checks",
    "suspensions",
    "resumption",
    "footfall",
    "difficulties",
    "approvals",
    "projects",
    "calls",
    "firms",
    "policies",
]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    *(f"tongchou.core.{name}" for name in CORE),
    *(f"tongchou.domains.{name}" for name in DOMAINS),
    "tongchou.interfaces.web",
]
AUTH_USER_MODEL = "people.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
AXES_FAILURE_LIMIT, AXES_COOLOFF_TIME, AXES_LOCKOUT_PARAMETERS = 8, 0.25, [["username", "ip_address"]]
AXES_VERBOSE, AXES_LOCKOUT_CALLABLE = False, "tongchou.interfaces.web.pages.account.locked_out"
LOGIN_URL, LOGIN_REDIRECT_URL = "/login", "/"

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "tongchou.interfaces.web.middleware.Page",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "tongchou.interfaces.web.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "tongchou.interfaces.web.context.town",
            ],
            "builtins": ["tongchou.interfaces.web.templatetags.tongchou"],
        },
    }
]
STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
WHITENOISE_USE_FINDERS = True

# Django alone would write a defect's traceback nowhere unless DEBUG is on. Into the process's own log, where the error page says that it is.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"dated": {"format": "{asctime} [{levelname}] {name} {message}", "style": "{"}},
    "handlers": {"process": {"class": "logging.StreamHandler", "level": "ERROR", "formatter": "dated"}},
    "loggers": {"django.request": {"handlers": ["process"]}},
}

USE_TZ, TIME_ZONE, LANGUAGE_CODE, USE_I18N = True, "UTC", "zh-hans", True
SESSION_COOKIE_HTTPONLY, SESSION_COOKIE_SAMESITE, CSRF_COOKIE_SAMESITE = True, "Lax", "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SECURE_CONTENT_TYPE_NOSNIFF = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024

EMAIL_HOST = os.environ.get("TONGCHOU_SMTP_HOST", "")
EMAIL_PORT = int(os.environ.get("TONGCHOU_SMTP_PORT", "25"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = os.environ.get("TONGCHOU_MAIL_FROM", "tongchou@localhost")
LIVE_PORT_OFFSET, LANE_PORT_OFFSET, CREWS_PORT_OFFSET = (
    1,
    2,
    3,
)  # the live process, the gate lane and the crews' lane listen above the pages
