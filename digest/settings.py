"""Settings, read from the environment. Every name is one people try first; nonsense fails loudly.

With nothing set this is the embedded desk: SQLite, a Redis on a socket and a generated secret, all
under `var/`. Naming a DATABASE_URL makes it a server, and a server must be told its SECRET_KEY.
Any variable may be given as a file instead: SECRET_KEY_FILE=/run/secrets/key.
"""

import fcntl
import hashlib
import os
import secrets
import shlex
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import quote, urlsplit
from zoneinfo import available_timezones

import environ
import structlog
from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from kombu import Exchange, Queue

from digest import environment as env

BASE_DIR = Path(__file__).resolve().parent.parent

VAR_DIR = env.folder("VAR_DIR", BASE_DIR / "var")
DATABASE_URL = env.text("DATABASE_URL")
EMBEDDED = not DATABASE_URL


def _kept_secret(path: Path) -> str:
    """The embedded desk's secret: made at its first start, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        # Of the processes that start together one makes the secret; the others wait for it.
        fcntl.flock(file, fcntl.LOCK_EX)
        secret = file.read()
        if not secret:
            secret = secrets.token_urlsafe(48)
            file.write(secret)
    return secret


def _socket_in(folder: Path) -> Path:
    """A socket in a folder, or one in /tmp that stands for it when its path is too long.

    The kernel has room for 107 bytes (macOS: 103). Not in TMPDIR, which differs between shells, so
    that every process of this desk finds the same one; `manage.py desk` sees to who may enter.
    """
    path = folder / "redis.sock"
    if len(os.fsencode(path)) <= 100:
        return path
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(f"/tmp/copydesk-{os.getuid()}-{name}/redis.sock")  # noqa: S108


DEBUG = env.flag("DEBUG", False)
SECRET_KEY = env.text("SECRET_KEY")
if not SECRET_KEY:
    if not EMBEDDED:
        raise ImproperlyConfigured("SECRET_KEY is not set; a desk with a DATABASE_URL needs one.")
    SECRET_KEY = _kept_secret(VAR_DIR / "secret_key")

#: Where readers and editors reach the desk. https here turns on all that https allows.
SITE_URL = env.text("SITE_URL", "http://127.0.0.1:8000").rstrip("/")
try:
    _site = urlsplit(SITE_URL)
    _is_address = _site.scheme in ("http", "https") and _site.hostname and (_site.port or True)
except ValueError:  # a port that is no number
    _is_address = False
if not _is_address:
    raise ImproperlyConfigured(f"SITE_URL must be an http(s) address, not {SITE_URL!r}.")
HTTPS = _site.scheme == "https"
ALLOWED_HOSTS = env.words(
    "ALLOWED_HOSTS", [_site.hostname or "", "localhost", "127.0.0.1", "[::1]"]
)
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS", [])

INSTALLED_APPS = [
    "digest",
    "editorial",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "taggit",
    "django_htmx",
    "axes",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "editorial.middleware.OnlyUtf8",
    "editorial.middleware.PrivatePages",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "digest.urls"
WSGI_APPLICATION = "digest.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
            ],
        },
    },
]

# --- database ------------------------------------------------------------------------------------

# Not by a URL of our own: a "#" or "%" in the name of a folder would end or change it.
_database = (
    {"ENGINE": "django.db.backends.sqlite3", "NAME": str(VAR_DIR / "copydesk.sqlite3")}
    if EMBEDDED
    else environ.Env.db_url_config(DATABASE_URL)
)
if not str(_database.get("ENGINE")).endswith(("sqlite3", "postgresql")):
    raise ImproperlyConfigured("DATABASE_URL must be a sqlite:// or postgres:// address.")
DATABASES = {"default": _database}
_database["CONN_MAX_AGE"] = env.number("CONN_MAX_AGE", 60, least=0)  # seconds
_database["CONN_HEALTH_CHECKS"] = True
if _database["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE takes the write lock at the start of a transaction: without it, read-then-write from
    # eight processes fails with "database is locked" most of the time. FULL: a signature survives a
    # power cut. Recursive triggers: REPLACE asks the triggers that keep signed rows, too.
    # digest.checks looks whether these took effect.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
        " PRAGMA recursive_triggers=ON;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# SQLite cannot defer a unique constraint; there a plain unique index stands in its place, made by
# digest.promises.
SILENCED_SYSTEM_CHECKS = ["models.W038"]

# --- people --------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "CommonPasswordValidator")
] + [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    }
]
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "desk"
LOGOUT_REDIRECT_URL = "sign_in"
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
# By name and address together: one guesser cannot lock a colleague out.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
TAGGIT_CASE_INSENSITIVE = False  # a term is kept as it was written; Term.folded joins the spellings

# --- language and time ---------------------------------------------------------------------------

LANGUAGE_CODE = "zh-hant"
LANGUAGES = [("zh-hant", "中文"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.text("TIME_ZONE", "Asia/Taipei")
if TIME_ZONE not in available_timezones():
    raise ImproperlyConfigured(f"TIME_ZONE {TIME_ZONE!r} is not a time zone.")
USE_TZ = True

# --- static files --------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = env.folder("STATIC_ROOT", VAR_DIR / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "digest.storage.HashedFiles"
    },
}

# --- security ------------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "connect-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_AGE = env.number("SESSION_COOKIE_AGE", 60 * 60 * 24 * 14, least=60)  # seconds
SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # asked for on the spot, without TLS
if env.flag("BEHIND_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    AXES_CLIENT_IP_CALLABLE = "editorial.access.address_behind_proxy"

#: Who reads /metrics shows this as a bearer token; with none, only this machine may read it.
METRICS_TOKEN = env.text("METRICS_TOKEN")
if METRICS_TOKEN and not METRICS_TOKEN.isascii():
    raise ImproperlyConfigured("METRICS_TOKEN must be ASCII, or no header can carry it.")

#: A draft's largest payload, in bytes. Django's own limit lies above it, so that ours answers.
DRAFT_LIMIT = 10 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * DRAFT_LIMIT
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * DRAFT_LIMIT

# --- drafts in, editions out ---------------------------------------------------------------------

#: Finished drafts dropped here are taken in every minute.
INBOX_DIR = env.folder("INBOX_DIR", VAR_DIR / "inbox")
#: The root of the Hugo tree that signed editions are written to.
HUGO_TREE = env.folder("HUGO_TREE", VAR_DIR / "hugo")
#: What makes the site anew, run in a desk's tree without a shell where its channel asks for that.
#: Of the environment only: an account that may edit channels must not have a shell.
try:
    HUGO_BUILD = shlex.split(env.text("HUGO_BUILD"))
except ValueError as error:
    raise ImproperlyConfigured(f"HUGO_BUILD cannot be taken apart: {error}.") from None
#: Where signed editions are written to as JSON, in a folder for each desk.
JSON_TREE = env.folder("JSON_TREE", VAR_DIR / "json")
#: Hosts (`host` or `host:port`) that webhooks may reach though they are not on the open internet.
OUTGOING_ALLOW = env.words("OUTGOING_ALLOW", [])
for _word in OUTGOING_ALLOW:
    try:
        _host = urlsplit(f"//{_word}")
        _is_host = _host.hostname and _host.netloc == _word and "@" not in _word
        _is_host = _is_host and _host.port != 0 and not _word.endswith(":")
    except ValueError:
        _is_host = False
    if not _is_host:
        raise ImproperlyConfigured(f"OUTGOING_ALLOW names hosts, `host:port`, not {_word!r}.")
#: How long one worker may hold a delivery before another may take it over, in seconds. Longer than
#: CELERY_TASK_TIME_LIMIT, so that its holder is surely gone.
DELIVERY_LEASE = env.number("DELIVERY_LEASE", 150, least=1)

# --- the machine ---------------------------------------------------------------------------------

#: An OpenAI-compatible endpoint that writes cards, under the names its clients usually read: the
#: base of its addresses, a key if it wants one, and the model. Without it the machine writes by
#: itself. An endpoint in a private network has to stand in OUTGOING_ALLOW, too.
CHAT_URL = env.text("OPENAI_BASE_URL")
CHAT_KEY = env.text("OPENAI_API_KEY")
CHAT_MODEL = env.text("OPENAI_MODEL")
#: How long one answer may take, in seconds. With all its repetitions a card must fit in
#: DRAFTING_LEASE.
CHAT_TIMEOUT = env.number("CHAT_TIMEOUT", 40, least=1)
#: What a million tokens cost, in whatever currency: those sent, those answered.
CHAT_PRICE_IN = env.price("CHAT_PRICE_IN")
CHAT_PRICE_OUT = env.price("CHAT_PRICE_OUT")
#: How long one worker may be silent on a run before another may go on with it, in seconds.
DRAFTING_LEASE = env.number("DRAFTING_LEASE", 570, least=1)

# --- Celery: the wake-up call; the database is the queue -----------------------------------------

REDIS_URL = env.text("REDIS_URL")
if REDIS_URL and urlsplit(REDIS_URL).scheme not in ("redis", "rediss", "redis+socket"):
    raise ImproperlyConfigured(
        "REDIS_URL must be a redis://, rediss:// or redis+socket:// address."
    )
#: Where `make desk` has its own Redis listen; None where REDIS_URL names another.
REDIS_SOCKET = None if REDIS_URL else _socket_in(VAR_DIR)
REDIS_URL = REDIS_URL or f"redis+socket://{quote(str(REDIS_SOCKET))}"
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 120  # seconds
CELERY_TASK_SOFT_TIME_LIMIT = 100
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1}
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,  # above the longest task, or the broker hands it out twice
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
    "health_check_interval": 10,
    "retry_on_timeout": True,
}
if not REDIS_URL.startswith("redis+socket"):
    CELERY_BROKER_TRANSPORT_OPTIONS["socket_keepalive"] = True
#: Three queues with a worker for each, so that neither a task that takes long nor a server of
#: somebody else's that hangs delays an edition or its files. A worker that is told nothing takes
#: from all.
CELERY_TASK_DEFAULT_QUEUE = "publishing"
CELERY_TASK_QUEUES = [
    Queue(name, Exchange(name), routing_key=name) for name in ("publishing", "network", "slow")
]
CELERY_TASK_ROUTES = {
    name: {"queue": "slow"}
    for name in (
        "digest.tasks.read_inbox",
        "digest.tasks.verify_editions",
        "editorial.tasks.draft_due",
        "editorial.tasks.draft",
        "editorial.tasks.tell_alarms",
    )
}
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")
#: A file that a worker or beat touches as long as it really works; see digest.heartbeat.
HEARTBEAT_FILE = env.text("HEARTBEAT_FILE")
#: Beat looks at the clock every so many seconds. (It would sleep until the next full minute as it
#: knows it, and a clock that was set or a machine that slept has another one by then.)
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_BEAT_SCHEDULE = {
    # An unread tick is worthless once the next one has come: it expires.
    name.rpartition(".")[2]: {"task": name, "schedule": crontab(), "options": {"expires": 55}}
    for name in (
        "digest.tasks.publish_due",
        "digest.tasks.read_inbox",
        "editorial.tasks.watch_deadlines",
        "editorial.tasks.draft_due",
        "editorial.tasks.tell_alarms",
    )
} | {
    "verify_editions": {
        "task": "digest.tasks.verify_editions",
        "schedule": crontab(hour="3", minute="30"),  # UTC; one that nobody took by noon was missed
        "options": {"expires": 8 * 60 * 60},
    }
}

# --- logs ----------------------------------------------------------------------------------------

LOG_FORMAT = env.choice("LOG_FORMAT", "console", ("console", "json"))
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_shared = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]
structlog.configure(
    processors=[*_shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _shared,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False)
                if LOG_FORMAT == "json"
                else structlog.dev.ConsoleRenderer(colors=False),
            ],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.choice("LOG_LEVEL", "INFO", _LEVELS)},
    "loggers": {"django.server": {"handlers": [], "propagate": True}},
}

# --- mail ----------------------------------------------------------------------------------------

EMAIL_TIMEOUT = env.number("EMAIL_TIMEOUT", 20, least=1)  # seconds
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", f"copydesk@{_site.hostname}")
if "@" not in parseaddr(DEFAULT_FROM_EMAIL)[1] or not DEFAULT_FROM_EMAIL.isprintable():
    raise ImproperlyConfigured(
        f"DEFAULT_FROM_EMAIL must be a mail address, not {DEFAULT_FROM_EMAIL!r}."
    )
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_HOST = env.text("EMAIL_HOST")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", False)
EMAIL_PORT = env.number("EMAIL_PORT", 587 if EMAIL_USE_TLS else 25, least=1)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
_email_url = env.text("EMAIL_URL")
if EMAIL_HOST and _email_url:
    raise ImproperlyConfigured("EMAIL_HOST and EMAIL_URL are two names for one thing; set one.")
if _email_url:
    vars().update(environ.Env.email_url_config(_email_url))
elif EMAIL_HOST:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
elif EMBEDDED:  # to be looked at: a file for each message
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(VAR_DIR / "mail")
else:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
