"""Checks that no type of a BTF leads to itself, and that each fits into what contains it.

A pointer to a struct may lead anywhere; all other ways must end soon: readers of BTF, bpftool among
them, recurse into what a type contains.
"""

from array import array
from collections.abc import Sequence

from btfhub import btf
from btfhub.btf import ARRAY, FUNC_PROTO, PTR, STRUCT, UNION
from btfhub.groups import Group, Grouped

_SIZED = (btf.INT, btf.FLOAT, btf.ENUM, btf.ENUM64, STRUCT, UNION)
_CHAINED = (PTR, ARRAY, *btf.MODIFIERS)
_POINTER_BITS = 64
# Heights beyond any: one that is not known yet, and that of what contains the type looked at.
_UNKNOWN, _ON_THE_WAY = 254, 255
_MOST_BITS = 8 * 0xFFFF_FFFF


def check(types: Grouped) -> None:
    """Check a BTF whose references are in range.

    Raises:
        DroidbpfError: a type leads to itself, or too far, or does not fit.
    """
    bits, bases, functions = _chains(types)
    contains: dict[int, list[int]] = {}
    takes: dict[int, list[int]] = {}
    for group in types.groups:
        if group.kind in (STRUCT, UNION):
            _edges(contains, group, group.word(1), bases)
            _members(types, group, bits)
        if group.kind == FUNC_PROTO:
            _edges(takes, group, group.word(1), functions)
            _edges(takes, group, types.thirds(group), functions)
    _bounded(types, contains, "contains")
    _bounded(types, takes, "takes or gives")


def _chains(types: Grouped) -> tuple[list[int], list[int], list[int]]:
    """Follow pointers, arrays, typedefs and qualifiers to their ends.

    Returns:
        By the type's number: its size in bits (0 where it has none); the struct or union that it
        is, or is an array of; the function that it points to in the end.
    """
    bits = [0] * len(types.kinds)
    bases, functions, depths = bits.copy(), bits.copy(), bits.copy()
    following = array("I", bytes(4 * len(bits)))
    lengths: dict[int, int] = {}
    for group in types.groups:
        if group.kind in _SIZED:
            for number, size in zip(group.types, types.thirds(group), strict=True):
                bits[number] = 8 * size
        if group.kind in (STRUCT, UNION, FUNC_PROTO):
            ends = functions if group.kind == FUNC_PROTO else bases
            for number in group.types:
                ends[number] = number
        if group.kind in _CHAINED:
            targets = group.word(0) if group.kind == ARRAY else types.thirds(group)
            for number, target in zip(group.types, targets, strict=True):
                following[number] = target
        if group.kind == ARRAY:
            lengths |= zip(group.types, group.word(2), strict=True)
    for number in types.layout.of_kind(*_CHAINED):
        way = []
        while following[number] and not depths[number]:
            depths[number] = -1
            way.append(number)
            number = following[number]
        if depths[number] < 0:
            types.refuse(number, "leads to itself")
        for number in reversed(way):
            target = following[number]
            depths[number] = depths[target] + 1
            if depths[number] > btf.MAX_CHAIN:
                types.refuse(number, f"is at the head of more than {btf.MAX_CHAIN} types")
            functions[number] = functions[target]
            if types.kinds[number] == PTR:
                bits[number] = _POINTER_BITS
                continue
            bases[number] = bases[target]
            bits[number] = bits[target] * lengths.get(number, 1)
            if bits[number] > _MOST_BITS:
                types.refuse(number, f"is an array of {bits[number] // 8} bytes")
    return bits, bases, functions


def _edges(
    graph: dict[int, list[int]], group: Group, types: Sequence[int], ends: Sequence[int]
) -> None:
    """Add to a graph what the types of a group lead to, by the ends of the types given."""
    each = max(1, len(types) // len(group.types))
    for at, end in enumerate([ends[number] for number in types]):
        if end:
            graph.setdefault(group.types[at // each], []).append(end)


def _bounded(types: Grouped, graph: dict[int, list[int]], verb: str) -> None:
    """Refuse a graph with a circle, or with a way through it that is too long."""
    heights = [1] * len(types.kinds)
    for number in graph:
        heights[number] = _UNKNOWN
    for root in graph:
        left = [root]
        while left:
            node = left[-1]
            if heights[node] < _UNKNOWN:
                left.pop()
                continue
            inner = [heights[child] for child in graph[node]]
            highest = max(inner)
            if highest < _UNKNOWN:
                left.pop()
                heights[node] = highest + 1
                if highest >= btf.MAX_CHAIN:
                    types.refuse(node, f"{verb} types more than {btf.MAX_CHAIN} deep")
            elif highest == _ON_THE_WAY:
                types.refuse(graph[node][inner.index(highest)], f"{verb} itself")
            else:
                heights[node] = _ON_THE_WAY
                left += [child for child in graph[node] if heights[child] == _UNKNOWN]


def _members(types: Grouped, group: Group, bits: Sequence[int]) -> None:
    """Refuse a member that ends behind its struct or union."""
    if not group.each:
        return
    offsets, sizes = group.word(2), [bits[number] for number in group.word(1)]
    if group.flag:  # then an offset has the size of a bit field in its highest byte
        sizes = [word >> 24 or size for word, size in zip(offsets, sizes, strict=True)]
        offsets = array("I", [word & 0xFF_FFFF for word in offsets])
    ends = iter([offset + size for offset, size in zip(offsets, sizes, strict=True)])
    most = map(max, zip(*[ends] * group.each, strict=True))
    for number, end in zip(group.types, most, strict=True):
        if end > 8 * types.third[number]:
            types.refuse(number, "has a member beyond its end")
