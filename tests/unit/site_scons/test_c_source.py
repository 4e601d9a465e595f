"""Which sources are programs by themselves."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import c_source


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("int main(void)\n{\n", True),
        ("#include <stdio.h>\n\nint\nmain(int argc, char *argv[]) {\n", True),
        ("int main(int a, int (*f)(int))\n{\n", True),
        ('extern "C" {\nint main() {\n', True),
        ("int main(void) __attribute__((cold));\nint main(void) {", True),
        ("static int domain(void)\n{\n", False),
        ("int main(void);\nint f(void) {\n", False),
        ("int f(void) { return main(1); }\nint g(void) {", False),
        ("/* int main(void) {} */\n", False),
        ("// int main(void) {\n", False),
        ('char *a = "int main(void) {";\n', False),
        ("#define START int main(void) { \\\n int main(void) {\n", False),
        ("#ifdef TEST\nint main(void)\n{\n}\n#endif\n", False),
        ("# if TEST\nint main(void)\n{\n}\n#  endif\n", False),
        ("#ifdef X\n#endif\nint main(void)\n{\n", True),
        ("int main = 3;\nint f(void) {\n", False),
        ("", False),
    ],
)
def test_a_source_with_a_main_is_a_program(tmp_path: Path, text: str, program: bool) -> None:
    source = tmp_path / "a.c"
    source.write_text(text)
    assert c_source.defines_main(str(source)) is program


@pytest.mark.parametrize(
    "text",
    [
        "int main(",
        "main",
        "main ( ",
        "/*",
        '"main\\"',
        "int main\n",
        "#\\\n main",
        "a " * 9 + "main(",
    ],
)
def test_a_source_of_a_megabyte_is_read_in_a_moment(tmp_path: Path, text: str) -> None:
    """It took a day: what might begin a main() was looked at to the end, from each place."""
    source = tmp_path / "a.c"
    source.write_text("main " + text * (1_000_000 // len(text)))
    began = time.process_time()
    assert not c_source.defines_main(str(source))
    assert time.process_time() - began < 5


def test_a_source_that_cannot_be_read_is_left_to_the_compiler(tmp_path: Path) -> None:
    assert not c_source.defines_main(str(tmp_path / "gone.c"))
