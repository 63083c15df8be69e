"""Reads what containers log, the new lines each time, in bounded memory whatever a container writes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

Line = tuple[str, str]  # time, text
WINDOW = 4 << 20  # bytes of a file that are read at a time; what is before them is passed over
OVERHEAD = 26  # bytes of an event beside its message
MAX_EVENT = 256 << 10  # bytes; https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
MAX_MESSAGE = MAX_EVENT - OVERHEAD
MAX_FILE = "16m"  # of an engine's log of one container, which then begins anew


class LogReader:
    """Reads a log in the format of Kubernetes: time, stream, F or P (partial), text."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._inode = 0
        self._offset = 0
        self._partial: dict[bytes, tuple[bytes, bytearray]] = {}  # by stream: the first time, and the text so far

    def read(self, *, has_ended: bool = False) -> list[Line]:
        """Returns the lines since the last call; one that is not complete only if the container `has_ended`."""
        with self._lock:
            lines = [line for record in self._records() for line in self._lines(record)]
            if has_ended:
                lines += [line for time, text in self._partial.values() for line in events(time, bytes(text))]
                self._partial.clear()
            return lines

    def _records(self) -> list[bytes]:
        """Returns the complete records since the last call, or those in the window at the end of the file."""
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                if status.st_ino != self._inode or status.st_size < self._offset:  # the file began anew
                    self._inode, self._offset = status.st_ino, 0
                start = max(self._offset, status.st_size - WINDOW)
                file.seek(start)
                data = file.read(status.st_size - start)
        except OSError:
            return []  # it was removed, after its last lines were read
        end = data.rfind(b"\n") + 1
        if end == 0 and start == self._offset:
            return []
        records = data[:end].split(b"\n")[:-1]
        is_cut = start > self._offset
        self._offset = start + end
        if is_cut:
            self._partial.clear()
        return records[1:] if is_cut else records

    def _lines(self, record: bytes) -> Iterator[Line]:
        time, stream, tag, rest = (*record.split(b" ", 3), b"", b"", b"", b"")[:4]
        if tag not in {b"P", b"F"}:
            return
        first, text = self._partial.pop(stream, (time, bytearray()))
        text += rest
        if tag == b"F":
            yield from events(first, bytes(text))
            return
        if len(text) >= MAX_MESSAGE:
            yield from events(first, bytes(text[:MAX_MESSAGE]))
            first, text = time, text[MAX_MESSAGE:]
        self._partial[stream] = first, text


def events(time: bytes, text: bytes) -> Iterator[Line]:
    """Returns a line as events of at most CloudWatch's size."""
    encoded = text.decode(errors="replace").encode()
    moment = time.decode(errors="replace")
    for start in range(0, max(len(encoded), 1), MAX_MESSAGE):
        yield moment, encoded[start : start + MAX_MESSAGE].decode(errors="ignore")


class EngineLogReader:
    """Reads a log as an engine prints it, each line with its time, which has a fixed number of digits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = ""

    def read(self, text: str) -> list[Line]:
        """Returns the lines that are later than all before."""
        with self._lock:
            pairs = [line.partition(" ") for line in text.split("\n") if line]
            lines = sorted(((time, rest) for time, _, rest in pairs if time > self._last), key=lambda pair: pair[0])
            self._last = lines[-1][0] if lines else self._last
            return [event for time, line in lines for event in events(time.encode(), line.encode())]
