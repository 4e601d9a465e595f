"""Separates the lines that the guest's init writes to a stream from the bytes of its programs."""


class Frames:
    """Splits a stream, as it arrives, into bytes and the words of init's lines after the mark.

    Args:
        mark: the bytes that begin a line of init; random, so that no program writes them. The
            first one occurs in it only once.
    """

    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self._held = b""

    def feed(self, data: bytes) -> list[bytes | tuple[str, ...]]:
        """Return the complete pieces; hold back only what may be the beginning of a mark."""
        pieces: list[bytes | tuple[str, ...]] = []
        rest = self._held + data
        while True:
            before, found, after = rest.partition(self._mark)
            line, end, rest_after = after.partition(b"\n")
            if not found or not end:
                break
            if before:
                pieces.append(before)
            pieces.append(tuple(line.decode(errors="replace").split()))
            rest = rest_after
        keep = len(found) + len(after) if found else self._begun(rest)
        ready, self._held = rest[: len(rest) - keep], rest[len(rest) - keep :]
        return [*pieces, ready] if ready else pieces

    def close(self) -> bytes:
        """Return what was held back, when the stream has ended."""
        held, self._held = self._held, b""
        return held

    def _begun(self, data: bytes) -> int:
        """Return how many of the last bytes are the beginning of a mark."""
        begin = data.rfind(self._mark[:1])
        return len(data) - begin if begin >= 0 and self._mark.startswith(data[begin:]) else 0
