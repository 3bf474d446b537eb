"""A process that is written to and read from with a deadline: it may hang, crash, flood a pipe, or read nothing."""

import os
import selectors
import signal
import subprocess
import time
import weakref
from contextlib import suppress
from typing import IO

STDERR_KEPT = 16 * 1024
LAST_LINES, LINE_SHOWN = 12, 200
CHUNK = 64 * 1024
GRACE = 1.0
"""Seconds for a process that closed a pipe to end, so that its exit code can be told."""
TICK = 0.2
"""Seconds between looks at a process whose pipes are silent: a child may hold them open after its end."""


class Stuck(Exception):
    """There is no line to be had; the message says why, of the process as 'it'."""


class Pipes:
    """A started process, what it has written and nobody asked for yet, and the end of its standard error."""

    def __init__(self, command: list[str]) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._in, self._out, self._err = self.process.stdin, self.process.stdout, self.process.stderr
        self._selector = selectors.DefaultSelector()
        for end in (self._in, self._out, self._err):
            os.set_blocking(end.fileno(), False)
        self._selector.register(self._out, selectors.EVENT_READ)
        self._selector.register(self._err, selectors.EVENT_READ)
        self._unwritten = memoryview(b"")
        self._written, self._errors = bytearray(), bytearray()
        self._out_open = True
        # Killed with this process, too, however that ends.
        self._finalizer = weakref.finalize(self, _kill, self.process)

    def exchange(self, question: bytes, seconds: float, longest: int) -> bytes:
        """Write a line, and read one of at most ``longest`` bytes; returns it without its end."""
        if self._written:
            raise Stuck(f"it wrote what no question asked for: {_start(self._written)}")
        self._unwritten = memoryview(question)
        self._selector.register(self._in, selectors.EVENT_WRITE)
        deadline, searched = time.monotonic() + seconds, 0
        while True:
            heard = self._step(deadline, f"it gave no answer within {seconds:g} s")
            end = self._written.find(b"\n", searched)
            if end >= 0:
                line = bytes(self._written[:end])
                del self._written[: end + 1]
                if self._unwritten:
                    raise Stuck(f"it wrote a line before it had read the question: {_start(line)}")
                return line
            searched = len(self._written)
            if searched > longest:
                raise Stuck(f"it wrote {searched} bytes without an end of line: {_start(self._written)}")
            if not self._out_open or (not heard and self.process.poll() is not None):
                raise Stuck(self._how_it_ended("output"))

    def finish(self, farewell: bytes, seconds: float) -> None:
        """Write the last line, close its standard input, and see it end with exit code 0 and nothing more to say."""
        self._unwritten = memoryview(farewell)
        self._selector.register(self._in, selectors.EVENT_WRITE)
        deadline = time.monotonic() + seconds
        while self._out_open:
            heard = self._step(deadline, f"it did not end within {seconds:g} s")
            if not self._unwritten:
                self._in.close()
            if self._written:
                raise Stuck(f"it wrote what no question asked for: {_start(self._written)}")
            if not heard and self.process.poll() is not None:
                break
        try:
            self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise Stuck(f"it did not end within {seconds:g} s") from None
        if self.process.returncode != 0:
            raise Stuck(self._how_it_ended("output"))

    def kill(self) -> list[str]:
        """End the process and its children; the last lines of its standard error, if it was not ended before."""
        if not self._finalizer.alive:
            return []
        self._finalizer()
        for _ in range(256):
            if not self._read(self._err):
                break
        self._selector.close()
        for end in (self._in, self._out, self._err):
            with suppress(BrokenPipeError):
                end.close()
        text = bytes(self._errors).decode("utf-8", errors="replace")
        lines = ["".join(c if c.isprintable() else " " for c in line) for line in text.strip().splitlines()]
        return [line if len(line) <= LINE_SHOWN else f"{line[:LINE_SHOWN]}..." for line in lines[-LAST_LINES:]]

    def _step(self, deadline: float, too_late: str) -> bool:
        """Write and read what can be without waiting longer than a tick; whether anything could."""
        remaining = deadline - time.monotonic()
        if remaining <= 0.0:
            raise Stuck(too_late)
        events = self._selector.select(min(remaining, TICK))
        for key, _ in events:
            if key.fileobj is self._in:
                self._write()
            elif not self._read(self._out if key.fileobj is self._out else self._err):
                self._selector.unregister(key.fileobj)
                self._out_open = self._out_open and key.fileobj is not self._out
        return bool(events)

    def _write(self) -> None:
        try:
            self._unwritten = self._unwritten[os.write(self._in.fileno(), self._unwritten[:CHUNK]) :]
        except BrokenPipeError:
            raise Stuck(self._how_it_ended("input")) from None
        if not self._unwritten:
            self._selector.unregister(self._in)

    def _read(self, end: IO[bytes]) -> bool:
        """Take what is there; False at the end of the pipe or where nothing is there."""
        try:
            chunk = os.read(end.fileno(), CHUNK)
        except BlockingIOError:
            return False
        if end is self._out:
            self._written += chunk
        else:
            self._errors += chunk
            del self._errors[:-STDERR_KEPT]
        return bool(chunk)

    def _how_it_ended(self, pipe: str) -> str:
        try:
            code = self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            return f"it closed its standard {pipe}"
        if code >= 0:
            return f"it ended with exit code {code}"
        names = {int(member): member.name for member in signal.Signals}
        return f"it was ended by signal {-code} ({names.get(-code, 'unknown')})"


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError, PermissionError):
        # Its own group: what it started goes with it.
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _start(text: "bytes | bytearray") -> str:
    line = bytes(text[:80]).split(b"\n")[0].decode("utf-8", errors="backslashreplace")
    return repr(line[:60])
