"""Every setting, in one table: the fields of ``Settings``, each read from ``SHANGYI_<FIELD>``.

A field names its default, how its text is read, and its meaning (English; zh-CN in ``locale/…/settings.po``).
docs/settings.md lists the same, held to this table by tests/test_docs.py.
"""

import difflib
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from shangyi.errors import Misconfigured
from shangyi.i18n import DEFAULT_LANGUAGE, LANGUAGES

PREFIX = "SHANGYI_"
ELSEWHERE = frozenset({"SHANGYI_SHARED", "SHANGYI_PYTHON", "SHANGYI_LAKE"})
"""Names that tests, notebooks and the launcher read; known, but no settings of the platform."""


def default_home() -> Path:
    """Where data lives when nothing is said: the platform's own place; for root, a system place."""
    if sys.platform != "win32" and os.geteuid() == 0:
        return Path("/var/lib/shangyi")
    import platformdirs

    return Path(platformdirs.user_data_dir("shangyi", appauthor=False))


def default_language() -> str:
    """The language of the person at the keyboard, by LC_ALL, LC_MESSAGES or LANG."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return DEFAULT_LANGUAGE if value.lower().startswith("zh") else "en"
    return "en"


def _integer(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise ValueError
        return value

    read.__doc__ = f"a whole number from {low} to {high}"
    return read


def _one_of(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.strip() not in choices:
            raise ValueError
        return text.strip()

    read.__doc__ = " | ".join(choices)
    return read


def _path(text: str) -> Path:
    """a directory"""
    return Path(text).expanduser().absolute()


def _database(text: str) -> str | None:
    """postgresql://user@host:port/name"""
    if not text.startswith(("postgresql://", "postgres://")):
        raise ValueError
    return text


def _address(text: str) -> str:
    """a host name or address"""
    if not text.strip() or any(c in text for c in " /"):
        raise ValueError
    return text.strip()


def _engine(text: str) -> str:
    """duckdb | spark://HOST:PORT | spark://local[N]"""
    text = text.strip()
    if text != "duckdb" and not re.fullmatch(
        r"spark://(local(\[(\d+|\*)\])?|local-cluster\[\d+,\d+,\d+\]|[^\s/,]+:\d+(,[^\s/,]+:\d+)*)", text
    ):
        raise ValueError
    return text


def _zone(text: str) -> str:
    """a name of the IANA time-zone database"""
    try:
        return ZoneInfo(text).key
    except Exception as error:
        raise ValueError from error


def _url(text: str) -> str:
    """http(s)://host[:port]"""
    if not text.startswith(("http://", "https://")):
        raise ValueError
    return text.rstrip("/")


def setting(
    meaning: str,
    read: Callable[[str], Any],
    default: Any = None,
    factory: Callable[[], Any] | None = None,
    secret: bool = False,
) -> Any:
    """A field of the table: meaning, how its text is read (its docstring says the form), default."""
    metadata = {"meaning": meaning, "read": read}
    if factory:
        return field(default_factory=factory, metadata=metadata)
    return field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings as read; see ``describe`` for their meanings."""

    home: Path = setting(
        "Where data, keys and logs live. Default: the platform's own data directory; /var/lib/shangyi for root.",
        _path,
        factory=default_home,
    )
    database_url: str | None = setting(
        "A PostgreSQL server of your own (15 or newer). Default: an embedded server, started for you.",
        _database,
        secret=True,
    )
    host: str = setting("The address to listen on; 0.0.0.0 for every interface.", _address, "127.0.0.1")
    port: int = setting("The port to listen on.", _integer(1, 65535), 8080)
    workers: int = setting("How many server processes answer requests.", _integer(1, 256), 1)
    public_url: str | None = setting(
        "The address that people reach the server by when it stands behind a proxy (https://…).", _url
    )
    language: str = setting(
        "The language of the command line; pages follow the browser.",
        _one_of(*LANGUAGES),
        factory=default_language,
    )
    timezone: str = setting("The time zone that instants are shown in.", _zone, "Asia/Shanghai")
    log: str = setting(
        "How much is logged (to stderr, one JSON object a line, without personal data).",
        _one_of("debug", "info", "warning", "error"),
        "info",
    )
    max_upload_mb: int = setting(
        "The largest upload of the console's loading page, in megabytes.", _integer(1, 1_000_000), 4096
    )
    max_body_mb: int = setting("The largest request body that is taken, in megabytes.", _integer(1, 4096), 64)
    engine: str = setting(
        "What runs SQL over the lake: DuckDB in the process, or Spark.",
        _engine,
        "duckdb",
    )
    lake_memory_mb: int = setting(
        "How much memory the lake's engine takes, in megabytes; beyond it goes to the disk.",
        _integer(128, 10_000_000),
        2048,
    )
    lake_threads: int = setting(
        "How many processors the lake's engine uses; 0 for all of them.", _integer(0, 1024), 0
    )
    lake_seconds: int = setting(
        "How long a query over the lake may take, in seconds.", _integer(1, 86_400), 300
    )
    lake_interval: int = setting(
        "How often the server takes changes into the lake, in seconds; 0: never.", _integer(0, 86_400), 1
    )
    lake_build: str = setting(
        "Whether the server builds the lake after its start where there is none.", _one_of("yes", "no"), "yes"
    )

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """The settings of this process. Raises Misconfigured for a value that cannot be read."""
        environ = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        for entry in fields(cls):
            name = PREFIX + entry.name.upper()
            text = environ.get(name, "")
            if not text:
                continue
            read = entry.metadata["read"]
            try:
                values[entry.name] = read(text)
            except (ValueError, OverflowError):
                # The value of an address may hold a password: it is not repeated.
                raise Misconfigured(
                    "{name} cannot be used as it is set; it has to be: {form}.", name=name, form=read.__doc__
                ) from None
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Described:
    """A row of the table of settings for people: name, form, default (None: none), meaning in English."""

    name: str
    form: str
    default: str | None
    meaning: str


def describe() -> list[Described]:
    """The table of settings. Defaults that depend on the machine are told in the meaning."""
    rows = []
    for entry in fields(Settings):
        default = entry.default if isinstance(entry.default, str | int) else None
        rows.append(
            Described(
                PREFIX + entry.name.upper(),
                entry.metadata["read"].__doc__ or "",
                None if default is None else str(default),
                entry.metadata["meaning"],
            )
        )
    return rows


def unknown(environ: Mapping[str, str] | None = None) -> list[tuple[str, str | None]]:
    """Names in the environment that look like settings and are none, each with the likeliest one meant."""
    environ = os.environ if environ is None else environ
    known = [row.name for row in describe()]
    return [
        (name, next(iter(difflib.get_close_matches(name, known, 1, 0.7)), None))
        for name in sorted(environ)
        if name.startswith(PREFIX) and name not in known and name not in ELSEWHERE
    ]
