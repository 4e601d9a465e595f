"""Marks are found however a stream is cut, and every other byte comes through at once."""

import random

import pytest

from vm.frames import Frames

MARK = b"<0123456789abcdef>"


def join(pieces: list[bytes | tuple[str, ...]]) -> list[bytes | tuple[str, ...]]:
    """Join neighbouring bytes: how they were cut is of no interest."""
    joined: list[bytes | tuple[str, ...]] = []
    for piece in pieces:
        if isinstance(piece, bytes) and joined and isinstance(joined[-1], bytes):
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined


STREAM = (
    b"one\r\n\0" + MARK + b" end 3\n" + MARK + b" run\n" + MARK[:9] + b"two" + MARK + b" done\n<"
)
PIECES = [
    b"one\r\n\0",
    ("end", "3"),
    ("run",),
    MARK[:9] + b"two",
    ("done",),
    b"<",
]


@pytest.mark.parametrize("seed", range(30))
def test_any_cut_gives_the_same_pieces(seed: int) -> None:
    chance = random.Random(seed)
    frames, pieces, rest = Frames(MARK), [], STREAM
    while rest:
        size = chance.randint(1, 1 + seed)
        pieces += frames.feed(rest[:size])
        rest = rest[size:]
    assert join([*pieces, frames.close()]) == PIECES


def test_bytes_are_not_held_back_unless_a_mark_may_begin() -> None:
    frames = Frames(MARK)
    assert frames.feed(b"no newline") == [b"no newline"]
    assert frames.feed(b"x<0") == [b"x"]
    assert frames.feed(b"y") == [b"<0y"]
    assert frames.feed(b"z" + MARK + b" en") == [b"z"]
    assert frames.feed(b"d 1\nmore") == [("end", "1"), b"more"]


def test_half_a_mark_at_the_end_is_a_programs_bytes() -> None:
    frames = Frames(MARK)
    assert frames.feed(MARK[:5]) == []
    assert frames.close() == MARK[:5]
    assert frames.close() == b""
