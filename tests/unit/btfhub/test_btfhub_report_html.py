"""The page of the compatibility table: whole, escaped, without anything from elsewhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

from bpf_objects import ROOT
from reports import kernel, months, relocation

from btfhub.answers import Kernel
from btfhub.names import HubName
from btfhub.report import Report, build
from btfhub.report_html import page

HOSTILE = "<script>alert('x')</script>&\""
VOID = {"meta", "col", "input", "wbr", "br"}


@dataclass
class Page(HTMLParser):
    """What a page holds; fails where its tags do not match."""

    texts: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    tags: Counter[str] = field(default_factory=Counter)
    rows: list[int] = field(default_factory=list)  # cells of each row, colspans counted
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag == "tr":
            self.rows.append(0)
        if tag in ("td", "th"):
            self.rows[-1] += int(dict(attrs).get("colspan") or 1)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] not in (["style"], ["script"]) and data.strip():
            self.texts.append(data.strip())


def parsed(report: Report) -> Page:
    found = Page()
    found.feed(page(report))
    found.close()
    assert not found.open
    return found


def report() -> Report:
    pid = relocation("byte_off", "task_struct", ".pid", 1480)
    ask = relocation("field_exists", "task_struct", ".late", 0)
    exe = relocation("byte_off", "trace_event_raw_sched_process_exec", ".filename", 16)
    flag = relocation("byte_off", "file", ".flag", 9, bit=3)
    doubt = {("file", "flag"): "its kernel was built otherwise"}
    return build(
        "app",
        [
            *months("a12-5.10", 1, 3, pid, ask, exe, flag, doubt=doubt),
            kernel(
                "a13-5.10-lts",
                relocation("byte_off", "task_struct", ".pid", 1496),
                ask,
                relocation("byte_off", "trace_event_raw_sched_process_exec", ".filename", None),
                flag,
            ),
        ],
    )


def test_page_shows_every_kernel_and_relocation() -> None:
    texts = parsed(report()).texts
    for wanted in (
        "4 relocations × 4 kernels: 2 layouts",  # noqa: RUF001
        "month-independent on android12-5.10 (layout A)",
        "android12-5.10",
        "2022-01",
        "2022-02",
        "2022-03",
        "android13-5.10",
        "lts",
        "task_struct",
        "pid",
        "late",
        "trace_event_raw_sched_process_exec",
        ".filename",
        "1480",
        "1496",
        "9.3",
    ):
        assert wanted in texts


def test_every_row_has_a_cell_for_each_relocation() -> None:
    found = parsed(report())
    # The header's first row (the second is below it), 2 branches, 4 kernels.
    assert [cells for cells in found.rows if cells == 5] == [5] * 7
    assert found.tags["col"] == 5


def test_colour_never_stands_alone() -> None:
    found = parsed(report())
    classes = Counter(
        part
        for tag, name, value in found.attributes
        if name == "class" and tag == "td"
        for part in value.split()
    )
    # Of the table of kernels and of that of the layouts.
    assert (classes["moved"], classes["missing"], classes["absent"]) == (2, 2, 4 + 2)
    assert classes["unreliable"] == 3
    signs = Counter(text for text in found.texts)
    assert signs["≠"] == 2
    assert signs["✕"] == 2
    assert signs["moved:"] == 2
    assert signs["missing:"] == 2
    assert signs[", unreliable"] == 3 + 1


def test_pointer_gets_the_number_in_hex_and_the_reason() -> None:
    titles = [value for _, name, value in parsed(report()).attributes if name == "title"]
    assert "task_struct.pid: 1496 = 0x5d8; +16 against layout A" in titles
    assert "task_struct.late: no" in titles
    assert "trace_event_raw_sched_process_exec.filename: none; nothing matches" in titles
    assert "file.flag: 9 = 0x9, bit 3; unreliable: its kernel was built otherwise" in titles
    assert "task_struct.pid: byte_off, in main" in titles


def test_nothing_of_an_object_or_a_file_name_becomes_markup() -> None:
    hostile = relocation(
        "byte_off", HOSTILE, f".{HOSTILE}", 8, flavour=f"___{HOSTILE}", program=HOSTILE
    )
    name = HubName(HOSTILE, "", "release")
    doubt = {(HOSTILE, HOSTILE): HOSTILE}
    made = page(build(HOSTILE, [Kernel(name, [hostile], doubt)]))
    assert "<script>alert" not in made
    assert "&lt;script&gt;alert" in made
    found = Page()
    found.feed(made)
    assert not found.open
    assert found.tags["script"] == 1
    assert f".{HOSTILE}" in found.texts
    assert not [name for _, name, _ in found.attributes if name.startswith("on")]


def test_page_needs_nothing_from_elsewhere() -> None:
    made = page(report())
    found = parsed(report())
    assert not {"link", "img", "iframe", "object", "base"} & found.tags.keys()
    assert not [name for _, name, _ in found.attributes if name in ("src", "href", "style")]
    for word in ("http:", "https:", "url(", "@import", "fetch("):
        assert word not in made


def test_same_report_gives_the_same_bytes_without_a_trace_of_the_machine() -> None:
    assert page(report()) == page(report())
    assert str(ROOT) not in page(report())


def test_struct_that_is_longer_than_its_columns_stands_upright() -> None:
    made = page(report())
    assert made.count('<th class="field upright') == 1
    assert '<th class="group" colspan="2" scope="colgroup">task_struct</th>' in made


def test_page_of_an_app_without_relocations_says_so() -> None:
    found = parsed(build("app", months("a12-5.10", 1, 2)))
    assert "The app has no CO-RE relocations: it runs alike on every kernel." in found.texts
