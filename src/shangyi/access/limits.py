"""Lock-out with a growing delay after failed sign-ins, the same for every worker process (kept in PostgreSQL).

An attempt is counted before the password is looked at, so that guesses at once from many connections count too;
success takes it back. Three keys: account and address together (a person who mistypes), the account from anywhere
(guesses from many addresses), the address whatever the account (one machine trying many accounts).
"""

import ipaddress
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg_pool import ConnectionPool

from shangyi.errors import Throttled


@dataclass(frozen=True, slots=True)
class Limit:
    """``free`` failures cost nothing; then ``delay_s`` doubling to ``longest_s``. Forgotten after ``window_s``."""

    free: int
    delay_s: int
    longest_s: int
    window_s: int


LIMITS = {
    "both": Limit(5, 15, 900, 3600),
    "account": Limit(20, 60, 900, 3600),
    "address": Limit(60, 60, 900, 900),
    "bearer": Limit(60, 60, 900, 900),
}

_COUNT = """
insert into account_attempt as a (key, failures, since) values (%(key)s, 1, clock_timestamp())
on conflict (key) do update set
    failures = case when a.since < clock_timestamp() - make_interval(secs => %(window)s)
                     and coalesce(a.blocked, '-infinity') < clock_timestamp() then 1 else a.failures + 1 end,
    since = clock_timestamp()
returning failures
"""


def keys_of(name: str, address: str | None) -> dict[str, str]:
    """Kind of limit → key, in the order in which they are locked."""
    where = network(address)
    return {"account": f"account:{name}", "address": f"address:{where}", "both": f"both:{name}@{where}"}


def network(address: str | None) -> str:
    """The address to count by: an IPv6 address by its /64, which is one household or host."""
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or "-"
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


class Limits:
    """Counts attempts; raises Throttled with the seconds to wait."""

    def __init__(self, pool: ConnectionPool) -> None:
        self.pool = pool

    def attempt(self, keys: dict[str, str]) -> None:
        """Count one attempt under every key, or refuse it. Raises Throttled."""
        with self.pool.connection() as connection:
            self._refuse_blocked(connection, keys)
            for kind, key in keys.items():
                limit = LIMITS[kind]
                row = connection.execute(_COUNT, {"key": key, "window": limit.window_s}).fetchone()
                over = row[0] - limit.free if row else 0
                if over >= 0:
                    delay = min(limit.longest_s, limit.delay_s * 2 ** min(over, 20))
                    connection.execute(
                        "update account_attempt set blocked = clock_timestamp() + make_interval(secs => %s)"
                        " where key = %s",
                        (delay, key),
                    )

    def _refuse_blocked(self, connection: Connection[Any], keys: dict[str, str]) -> None:
        row = connection.execute(
            "select ceil(extract(epoch from max(blocked) - clock_timestamp()))::int from account_attempt"
            " where key = any(%s) and blocked > clock_timestamp()",
            (list(keys.values()),),
        ).fetchone()
        if row and row[0]:
            raise Throttled("Too many failed sign-ins; try again in {seconds} seconds", seconds=row[0])

    def succeeded(self, keys: dict[str, str]) -> None:
        """Forget the failures of this account; the address keeps those of others."""
        with self.pool.connection() as connection:
            for kind, key in keys.items():
                if kind in ("both", "account"):
                    connection.execute("delete from account_attempt where key = %s", (key,))
                else:
                    connection.execute(
                        "update account_attempt set failures = greatest(failures - 1, 0),"
                        " blocked = case when failures - 1 < %s then null else blocked end where key = %s",
                        (LIMITS[kind].free, key),
                    )

    def forget_old(self) -> None:
        """Drop what no longer counts."""
        with self.pool.connection() as connection:
            connection.execute(
                "delete from account_attempt where since < clock_timestamp() - interval '1 day'"
                " and coalesce(blocked, '-infinity') < clock_timestamp()"
            )
