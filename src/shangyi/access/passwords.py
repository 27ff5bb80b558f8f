"""Passwords: argon2id (RFC 9106, the second recommended set: 3 passes, 64 MiB, 4 lanes)."""

import secrets
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from shangyi.errors import Unprocessable

MINIMUM = 10
"""Shortest password, in characters."""

MAXIMUM = 256

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""Without what is misread: 0 o, 1 l i."""

COMMON = frozenset(
    "1234567890 0123456789 qwertyuiop password123 passw0rd123 a123456789 123456789a 1q2w3e4r5t 1qaz2wsx3edc "
    "woaini1314 woaini1314520 administrator changeme123 iloveyou123 qwerty12345 abc1234567 zxcvbnm123".split()
)

_hasher = PasswordHasher()
_at_once = threading.Semaphore(2)  # 64 MiB each: a burst of sign-ins must not take the memory


def check_strength(password: str, name: str) -> None:
    """Raises Unprocessable for a password that is too short, too long, the account's name, or a common one."""
    if len(password) < MINIMUM:
        raise Unprocessable("A password has at least {minimum} characters", minimum=MINIMUM)
    if len(password) > MAXIMUM:
        raise Unprocessable("A password has at most {maximum} characters", maximum=MAXIMUM)
    folded = password.casefold()
    if folded in COMMON or len(set(folded)) < 4 or (name and name.casefold() in folded and len(name) > 3):
        raise Unprocessable("This password is too easily guessed; choose another")


def hash_password(password: str) -> str:
    """The PHC string to keep."""
    with _at_once:
        return _hasher.hash(password)


def verify_password(kept: str | None, password: str) -> bool:
    """Whether ``password`` is the one; with ``kept`` None (no such account) it takes as long and is False."""
    with _at_once:
        try:
            return _hasher.verify(kept or _decoy(), password[:MAXIMUM]) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


def needs_rehash(kept: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(kept)


def generate_password() -> str:
    """A random password for a person to type: 4 × 4 characters, 79 bits."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4))


_decoys: list[str] = []


def _decoy() -> str:
    if not _decoys:
        _decoys.append(_hasher.hash(secrets.token_hex(16)))
    return _decoys[0]
