"""What the CO-RE relocations of objects come to: each kind, flavours, many programs and objects."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from bpf_objects import HUB, compiled, kernel
from small_programs import program

from base.errors import DroidbpfError
from btfhub import archive, objects
from btfhub.examine import examine
from btfhub.names import parse_name
from btfhub.objects import wanted
from btfhub.relocations import Relocation

APP = """
struct inner { int a; long b; } CORE;
struct task {
  int pid;
  char comm[16];
  unsigned int low : 3, flag : 5;
  signed char sign;
  struct { union { int hidden; long other; }; };
  struct inner in, many[4];
  int late;
} CORE;
struct task___old { int state; } CORE;
struct gone___v2 { int x; } CORE;
typedef struct { long word; } CORE alias;
enum number { ONE = 1, TWO = 2, NEVER = 7 };

SEC("raw_tp/one") int first(struct task *t)
{
  out += t->pid + t->comm[3] + t->hidden + t->in.b + t->many[2].b;
  out += ((struct task___old *)t)->state;
  out += ((alias *)t)->word;
  return 0;
}
SEC("raw_tp/one") int second(struct task *t)
{
  out += INFO(t->flag, 0) + INFO(t->flag, 1) + INFO(t->flag, 3) + INFO(t->flag, 4);
  out += INFO(t->flag, 5) + INFO(t->sign, 3) + INFO(t->comm, 1) + INFO(t->many[1].b, 0);
  out += INFO(t->late, 2) + INFO(t->pid, 2);
  return t->late;
}
SEC("raw_tp/two") int third(struct task *t)
{
  out += TYPE(struct task, 0) + TYPE(struct task, 1) + TYPE(struct gone___v2, 0);
  out += TYPE(struct gone___v2, 1) + TYPE(struct task, 2);
  out += __builtin_btf_type_id(*t, 0) + __builtin_btf_type_id(*t, 1);
  out += VALUE(enum number, TWO, 0) + VALUE(enum number, TWO, 1);
  out += VALUE(enum number, NEVER, 0) + VALUE(enum number, NEVER, 1);
  return 0;
}
char LICENSE[] SEC("license") = "GPL";
"""
KERNEL = """
struct inner { char filler[40]; long b; int a; };
struct task {
  long state;
  unsigned long before : 11, flag : 9;
  struct { long more; union { long other; int hidden; }; };
  char comm[32];
  signed char sign;
  int pid;
  struct inner in, many[4];
} task;
typedef struct { int more; long word; } alias;
alias other;
enum number { ZERO, TWO = 22 } number;
"""
VALUES = [
    ("first", "byte_off", "task.pid", (68, 0)),
    ("first", "byte_off", "task.comm[3]", (35, 0)),
    ("first", "byte_off", "task.hidden", (24, 0)),
    ("first", "byte_off", "task.in.b", (72 + 40, 0)),
    ("first", "byte_off", "task.many[2].b", (72 + 3 * 56 + 40, 0)),
    ("first", "byte_off", "task.state", (0, 0)),
    ("first", "byte_off", "alias.word", (8, 0)),
    ("second", "byte_off", "task.flag", (9, 3)),
    ("second", "byte_sz", "task.flag", (8, 0)),
    ("second", "signed", "task.flag", (0, 0)),
    ("second", "lshift_u64", "task.flag", (64 - 11 - 9, 0)),
    ("second", "rshift_u64", "task.flag", (64 - 9, 0)),
    ("second", "signed", "task.sign", (1, 0)),
    ("second", "byte_sz", "task.comm", (32, 0)),
    ("second", "byte_off", "task.many[1].b", (72 + 2 * 56 + 40, 0)),
    ("second", "field_exists", "task.late", (0, 0)),
    ("second", "field_exists", "task.pid", (1, 0)),
    ("second", "byte_off", "task.late", (None, 0)),
    ("third", "type_exists", "task", (1, 0)),
    ("third", "type_size", "task", (72 + 5 * 56, 0)),
    ("third", "type_exists", "gone", (0, 0)),
    ("third", "type_size", "gone", (0, 0)),
    ("third", "type_matches", "task", (0, 0)),
    ("third", "target_type_id", "task", (1, 0)),
    ("third", "enumval_exists", "number::TWO", (1, 0)),
    ("third", "enumval_value", "number::TWO", (22, 0)),
    ("third", "enumval_exists", "number::NEVER", (0, 0)),
    ("third", "enumval_value", "number::NEVER", (None, 0)),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("objects")


@pytest.fixture(scope="module")
def app(folder: Path) -> Path:
    return compiled(folder, "app", APP)


@pytest.fixture(scope="module")
def plain(folder: Path) -> Path:
    """An app without relocations."""
    return compiled(folder, "plain", 'SEC("raw_tp/one") int none(void *ctx) { return 0; }')


@pytest.fixture(scope="module")
def btf(folder: Path) -> Path:
    return kernel(folder, "known", KERNEL)


def read(apps: Sequence[Path], btf: Path, bpftool: str = "bpftool") -> list[Relocation]:
    """Return the relocations of objects on a kernel, as examine() reads them."""
    return list(examine(parse_name("5.10.1"), btf.read_bytes(), apps, bpftool)[0].relocations)


def reported(found: list[Relocation]) -> list[tuple[object, ...]]:
    """Return the facts about relocations, sorted, since clang chooses their order."""
    return sorted(
        (
            (r.wanted.program, r.wanted.kind, f"{r.wanted.type}{r.wanted.path}", (r.value, r.bit))
            for r in found
        ),
        key=str,
    )


def test_every_kind_of_relocation_has_its_value_on_a_kernel(app: Path, btf: Path) -> None:
    assert reported(read([app], btf)) == sorted(VALUES, key=str)


def test_flavour_is_kept_apart_from_the_name(app: Path) -> None:
    flavours = {(w.type, w.flavour) for w in wanted(app) if w.flavour}
    assert flavours == {("task", "___old"), ("gone", "___v2")}


def test_several_objects_are_read_in_their_order(folder: Path, app: Path, btf: Path) -> None:
    code = """
    struct inner { int a; } CORE;
    SEC("raw_tp/one") int another(struct inner *in) { return in->a; }
    """
    other = compiled(folder, "other", code)
    single = ("another", "byte_off", "inner.a", (48, 0))
    found = read([other, app, other], btf)
    assert reported(found[:1]) == reported(found[-1:]) == [single]
    assert reported(found[1:-1]) == sorted(VALUES, key=str)


def test_relocations_are_counted_without_those_that_no_kernel_decides(
    app: Path, plain: Path
) -> None:
    assert objects.count(app) == len(VALUES) == len(wanted(app)) - 1
    assert objects.count(plain) == 0


def test_app_without_relocations_needs_no_bpftool(plain: Path, btf: Path) -> None:
    assert read([plain], btf, bpftool="/nowhere/bpftool") == []


def test_fields_are_those_that_the_programs_read_each_with_its_own_struct(app: Path) -> None:
    assert objects.fields(wanted(app)) == {
        ("task", "pid"),
        ("task", "comm"),
        ("task", "hidden"),
        ("task", "in"),
        ("task", "many"),
        ("inner", "b"),
        ("task", "state"),
        ("alias", "word"),
        ("task", "flag"),
        ("task", "late"),
    }


def test_two_types_that_disagree_are_reported_in_bpftools_words(folder: Path, app: Path) -> None:
    twice = kernel(folder, "twice", KERNEL + "struct task___2 { int a, pid; } again;")
    with pytest.raises(DroidbpfError) as caught:
        read([app], twice)
    first, *rest = caught.value.message.split("\n")
    assert first == "bpftool cannot relocate app.bpf.o on 5.10.1:"
    assert any("field offset ambiguity" in line for line in rest)
    assert len(rest) <= 3


def test_missing_bpftool_says_what_to_install(app: Path, btf: Path) -> None:
    with pytest.raises(DroidbpfError) as caught:
        read([app], btf, bpftool="/nowhere/bpftool")
    assert caught.value.message == "cannot run /nowhere/bpftool: No such file or directory"
    assert caught.value.hint.startswith("install it: apt-get install bpftool")


def test_bpftool_that_speaks_otherwise_is_not_misread(app: Path, btf: Path, bin_: Path) -> None:
    silent = program(bin_, "bpftool", 'cp "$4" "$5"')
    with pytest.raises(DroidbpfError) as caught:
        read([app], btf, bpftool=str(silent))
    assert caught.value.message == "bpftool -d lists 0 relocations, the objects have 29"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is not an ELF file for BPF"),
        (b"\x7fELF\2\1" + bytes(12) + b"\xb7\0" + bytes(44), "it is not an ELF file for BPF"),
        (b"\x7fELF\2\1" + bytes(12) + b"\xf7\0", "it is a damaged ELF file"),
    ],
)
def test_what_is_no_object_is_refused(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "x.bpf.o"
    path.write_bytes(data)
    for function in (objects.count, wanted):
        with pytest.raises(DroidbpfError) as caught:
            function(path)
        assert caught.value.message == f"x.bpf.o is not a sound BPF object: {why}"


def test_damaged_object_gives_an_error_or_an_answer(app: Path, tmp_path: Path) -> None:
    whole = app.read_bytes()
    chance = random.Random(7)
    path = tmp_path / "x.bpf.o"
    refused = 0
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 2, 8))):
            data[chance.randrange(len(data))] = chance.choice(
                (0, 1, 0x7F, 0xFF, chance.randrange(256))
            )
        path.write_bytes(data[: chance.choice((len(data), chance.randrange(len(data))))])
        for function in (objects.count, wanted):
            try:
                function(path)
            except DroidbpfError:
                refused += 1
    assert 150 < refused < 600


def test_hub_file_gives_the_offsets_that_were_measured(folder: Path) -> None:
    packed = HUB / "common-android12-5.10" / "a12-5.10-2022-05-arm64.btf.tar.xz"
    if not packed.is_file():
        pytest.skip(f"no hub files in {HUB}")
    code = """
    struct thread_info { unsigned long flags; } CORE;
    struct task_struct { struct thread_info thread_info; int pid, tgid; char comm[16]; } CORE;
    struct task_struct___before { long state; } CORE;
    struct task_struct___since { unsigned int __state; } CORE;
    SEC("raw_tp/x") int x(struct task_struct *t)
    {
      out += t->pid + t->tgid + t->comm[0] + t->thread_info.flags;
      if (INFO(((struct task_struct___since *)t)->__state, 2))
        return ((struct task_struct___since *)t)->__state;
      return ((struct task_struct___before *)t)->state;
    }
    """
    btf = folder / "hub.btf"
    btf.write_bytes(archive.unpack(packed)[1])
    found = read([compiled(folder, "real", code)], btf)
    assert [(f"{r.wanted.path}", r.value) for r in found] == [
        (".pid", 1480),
        (".tgid", 1484),
        (".comm[0]", 1936),
        (".thread_info.flags", 0),
        (".__state", 0),
        (".__state", None),
        (".state", 32),
    ]
