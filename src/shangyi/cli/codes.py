"""What the exit codes mean (docs/cli.md)."""

from shangyi import errors

OK, FAILED, USAGE, REFUSED, NOT_FOUND, NOT_PERMITTED, UNAVAILABLE = range(7)
INTERRUPTED = 130

_BY_ERROR: tuple[tuple[type[errors.ShangyiError], int], ...] = (
    (errors.NotFound, NOT_FOUND),
    (errors.Gone, NOT_FOUND),
    (errors.Unauthenticated, NOT_PERMITTED),
    (errors.Forbidden, NOT_PERMITTED),
    (errors.Unavailable, UNAVAILABLE),
    (errors.Throttled, UNAVAILABLE),
    (errors.Misconfigured, UNAVAILABLE),
)


def of(error: errors.ShangyiError) -> int:
    """The exit code of an error: what came in is refused unless the error says otherwise."""
    for kind, code in _BY_ERROR:
        if isinstance(error, kind):
            return code
    return REFUSED if error.status < 500 else FAILED
