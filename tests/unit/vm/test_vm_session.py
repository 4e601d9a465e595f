"""What the guest sends makes the same results in whatever order its streams arrive."""

import pytest

from vm.session import Session, StreamName

MARK = "<0123456789abcdef>"
OUT = f"{MARK} up virtio 5.10\n{MARK} run\nout\n{MARK} end 0\n{MARK} done\n".encode()
ERR = f"last words\n{MARK} end\n".encode()


def streamed(*pieces: tuple[StreamName, bytes]) -> tuple[Session, dict[str, bytes]]:
    """Return the session of one command that the pieces were fed to, and what it streamed."""
    got = {"stdout": b"", "stderr": b""}

    def stream(name: StreamName, data: bytes) -> None:
        got[name] += data

    session = Session([["program"]], MARK, stream)
    for name, data in pieces:
        session.feed(name, data)
    return session, got


@pytest.mark.parametrize(
    "pieces", [[("stdout", OUT), ("stderr", ERR)], [("stderr", ERR), ("stdout", OUT)]]
)
def test_errors_are_streamed_though_they_come_after_the_end_of_the_output(pieces) -> None:
    session, got = streamed(*pieces)
    assert got == {"stdout": b"out\n", "stderr": b"last words\n"}
    [result] = session.results()
    assert (result.status, result.stdout, result.stderr) == (0, b"out\n", b"last words\n")


def test_run_is_done_when_both_streams_have_ended() -> None:
    session, _ = streamed(("stdout", OUT))
    assert not session.done
    session.feed("stderr", ERR[:-1])
    assert not session.done
    session.feed("stderr", ERR[-1:])
    assert session.done


def test_run_with_one_stream_is_done_at_its_end() -> None:
    session = Session([["program"]], MARK, None)
    session.feed("serial", OUT.replace(b"virtio", b"serial"))
    assert session.done
    assert [result.stdout for result in session.results()] == [b"out\n"]


def test_what_is_left_behind_writes_to_nobody() -> None:
    session, got = streamed(("stdout", OUT + b"late\n"), ("stderr", ERR + b"late\n"))
    assert got == {"stdout": b"out\n", "stderr": b"last words\n"}
    assert session.results()[0].stderr == b"last words\n"


def test_output_of_the_guest_is_escaped_in_a_message_and_exact_in_the_result() -> None:
    session, got = streamed(("stdout", OUT.replace(b"out\n", b"\x1b[2Jout\n")), ("stderr", ERR))
    assert session.results()[0].stdout == got["stdout"] == b"\x1b[2Jout\n"
    session, _ = streamed(("stdout", f"{MARK} up virtio 5.10\n{MARK} run\n".encode()))
    session.feed("stdout", b"\x1b[2Jhello\tworld\nsecond line\n")
    assert session.progress().endswith(
        "s: program; its last output:\n\\x1b[2Jhello       world\nsecond line"
    )
