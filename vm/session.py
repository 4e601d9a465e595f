"""The host's side of a run: collects what the guest sends and tracks its progress."""

import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from base.errors import DroidbpfError, printable_lines
from vm.frames import Frames

StreamName = Literal["stdout", "stderr"]
Stream = Callable[[StreamName, bytes], None]
TAIL_BYTES = 400
MAX_OUTPUT_BYTES = 256 << 20
STREAMED_BYTES = 1 << 20  # kept, at least, of output that was streamed


@dataclass(frozen=True)
class Result:
    """The result of one command.

    Attributes:
        status: its exit status; 128 + n where signal n killed it, 127 for no such program.
        stdout: its output, the exact bytes; the end of it where long output was streamed. On the
            serial channel it includes stderr.
        stderr: its errors, the exact bytes.
    """

    command: tuple[str, ...]
    status: int
    stdout: bytes
    stderr: bytes


class Session:
    """What the guest has sent so far.

    Attributes:
        channel: "" until init is up, then "virtio" or "serial".
        release: "" until init is up, then the kernel's `uname -r`.
    """

    def __init__(self, commands: Sequence[Sequence[str]], mark: str, stream: Stream | None) -> None:
        self.commands = [tuple(command) for command in commands]
        self.channel = ""
        self.release = ""
        self._finished = False
        self._stream = stream
        self._started: list[float] = []
        self._ended: list[int] = []
        self._out: list[bytes] = []
        self._err: list[bytes] = []
        self._current: dict[str, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self._log = bytearray()
        self._frames = {source: Frames(mark.encode()) for source in ("serial", "stdout", "stderr")}

    @property
    def running(self) -> bool:
        """Whether a command is running now."""
        return len(self._started) > len(self._ended)

    @property
    def done(self) -> bool:
        """Whether all commands have ended and all their output has arrived.

        The two streams are not in step: the last of stderr may come after the end of stdout.
        """
        apart = self.channel == "virtio"
        return self._finished and not (apart and len(self._err) < len(self._out))

    def feed(self, source: str, data: bytes) -> None:
        """Take bytes from the serial port or from the port of a stream."""
        for piece in self._frames[source].feed(data):
            if isinstance(piece, tuple):
                self._mark(piece)
            else:
                self._data(source, piece)

    def close(self) -> None:
        """Take what was held back, when the guest is gone."""
        for source, frames in self._frames.items():
            if held := frames.close():
                self._data(source, held)

    def results(self) -> tuple[Result, ...]:
        """Return the results of the commands that ended."""
        errors = self._err if self.channel == "virtio" else [b""] * len(self._out)
        ended = zip(self.commands, self._ended, self._out, errors, strict=False)
        return tuple(Result(*each) for each in ended)

    def kernel_log(self) -> str:
        """Return the kernel's messages so far."""
        log = bytes(self._log)
        if self.channel == "serial" and not self._finished:
            # A dying kernel writes to the serial port in the middle of a program's output.
            log += bytes(self._current["stdout"])
        return log.decode(errors="replace").replace("\r\n", "\n")

    def progress(self) -> str:
        """Return how far the guest has come, with its last output, for a message."""
        if not self.channel:
            where, last = "the kernel did not reach its first command", bytes(self._log)
        elif self.done:
            where, last = "all commands had ended", b""
        else:
            number = min(len(self._ended), len(self.commands) - 1)
            where = f"command {number + 1} of {len(self.commands)}"
            if self.running:
                where += f" had run for {time.monotonic() - self._started[-1]:.1f} s"
            where += f": {printable_lines(shlex.join(self.commands[number]))}"
            last = bytes(self._current["stdout"]) or bytes(self._current["stderr"])
        if not last.strip():
            return f"{where}; it had written nothing" if not self.done else where
        tail = last[-TAIL_BYTES:]
        if len(tail) < len(last):
            tail = tail.partition(b"\n")[2] or tail
        text = tail.decode(errors="replace").strip().replace("\r\n", "\n")
        return f"{where}; its last output:\n{printable_lines(text)}"

    def _mark(self, words: tuple[str, ...]) -> None:
        match words:
            case ("up", channel, release):
                self.channel, self.release = channel, release
            case ("run",):
                self._started.append(time.monotonic())
            case ("end",):
                self._err.append(self._take("stderr"))
            case ("end", status) if status.isdigit():
                self._out.append(self._take("stdout"))
                self._ended.append(int(status))
            case ("log",):
                self._log.clear()
            case ("done",):
                if self.channel == "serial":
                    self._log += self._take("stdout")
                self._finished = True

    def _data(self, source: str, data: bytes) -> None:
        if source == "serial" and (self.channel != "serial" or self._finished):
            self._log += data
            if len(self._log) > MAX_OUTPUT_BYTES:
                raise DroidbpfError(f"the kernel logged over {MAX_OUTPUT_BYTES >> 20} MiB")
            return
        name: StreamName = "stderr" if source == "stderr" else "stdout"
        kept = self._current[name]
        kept += data
        if self._stream and len(kept) > 2 * STREAMED_BYTES:
            del kept[:-STREAMED_BYTES]
        if len(kept) > MAX_OUTPUT_BYTES:
            raise DroidbpfError(f"a command wrote over {MAX_OUTPUT_BYTES >> 20} MiB to {name}")
        ended = self._err if name == "stderr" else self._out
        if self._stream and len(ended) < len(self.commands):
            self._stream(name, data)

    def _take(self, name: str) -> bytes:
        data = bytes(self._current[name])
        self._current[name].clear()
        return data
