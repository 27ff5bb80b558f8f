"""Structured logs: one JSON object a line on stderr, without personal data.

Our own modules log only what is safe. Texts of exceptions may quote what came in, so only their kind is written;
a line that is a JSON object already (the request log) is merged, not quoted.
"""

import json
import logging
import sys
from datetime import UTC, datetime


class JsonLines(logging.Formatter):
    """time, level, logger, message; ``error`` the kind of an exception and where it was raised."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"time": when, "level": record.levelname.lower(), "logger": record.name}
        message = record.getMessage()
        if record.name == "shangyi.http":  # whole lines already, several at once
            return message
        if message.startswith("{") and message.endswith("}"):
            return json.dumps(line, ensure_ascii=False)[:-1] + ", " + message[1:]
        line["message"] = message
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            trace = record.exc_info[2]
            while trace and trace.tb_next:
                trace = trace.tb_next
            if trace:
                line["at"] = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        return json.dumps(line, ensure_ascii=False)


def configure(level: str) -> None:
    """Send everything from ``level`` on to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in ("uvicorn.error", "psycopg.pool"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
