"""A form with files, written to disk as it comes; the fields before the files say that it is ours."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from shangyi.errors import Invalid, TooLarge

LONGEST_FIELD = 4096
MOST_FILES = 1000
_UNSAFE = re.compile(r"[^\w.\-]+")


class Upload:
    """The parts of one request. ``admit`` is called with the fields before the first file is kept, and may raise."""

    def __init__(self, directory: Path, limit_bytes: int, admit: Callable[[dict[str, str]], None]) -> None:
        self.directory, self.limit, self.admit = directory, limit_bytes, admit
        self.fields: dict[str, str] = {}
        self.files: list[tuple[str, int]] = []
        self._header = self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._text: bytearray | None = None
        self._file: BinaryIO | None = None
        self._bytes = 0

    async def receive(self, request: Request) -> None:
        """Read the whole request. Raises Invalid, TooLarge, and what ``admit`` raises."""
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        if kind != b"multipart/form-data" or b"boundary" not in options:
            raise Invalid("Files are sent as a form (multipart/form-data)")
        parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._begin,
                "on_header_field": self._on_header,
                "on_header_value": self._on_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._open,
                "on_part_data": self._data,
                "on_part_end": self._end,
            },
        )
        try:
            async for chunk in request.stream():
                parser.write(chunk)
            parser.finalize()
        except MultipartParseError as error:
            raise Invalid("The upload was cut off or is damaged; send it again") from error
        except ClientDisconnect as error:
            raise Invalid("The upload was cut off or is damaged; send it again") from error
        finally:
            if self._file is not None:
                self._file.close()
        if not self.files:
            raise Invalid("No file was chosen")

    def _begin(self) -> None:
        self._headers, self._header, self._value = {}, b"", b""

    def _on_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header = self._value = b""

    def _open(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        given = options.get(b"filename")
        if given is None:
            self._text = bytearray()
            return
        self.admit(self.fields)
        name = given.decode("utf-8", "replace").replace("\\", "/").rpartition("/")[2]
        if not name:  # a form without a chosen file sends one without a name
            self._text = bytearray()
            self._name = ""
            return
        if len(self.files) >= MOST_FILES:
            raise TooLarge("More than {count} files at once; pack them in a zip", count=MOST_FILES)
        kept = _UNSAFE.sub("_", name)[-80:].lstrip(".") or "file"
        self._file = (self.directory / f"{len(self.files):04d}-{kept}").open("xb")
        self.files.append((name[-200:], 0))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._bytes += end - start
            if self._bytes > self.limit:
                raise TooLarge(
                    "More than {count} MB at once; use shangyi load, or raise SHANGYI_MAX_UPLOAD_MB",
                    count=self.limit >> 20,
                )
            self._file.write(memoryview(data)[start:end])
            name, size = self.files[-1]
            self.files[-1] = (name, size + end - start)
        elif self._text is not None:
            self._text += data[start:end]
            if len(self._text) > LONGEST_FIELD:
                raise TooLarge("A field of the form is too long")

    def _end(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        elif self._text is not None and self._name:
            self.fields[self._name] = self._text.decode("utf-8", "replace")
        self._text = None
