"""What a kernel says in its log when something is wrong with it, and the excerpt that shows it."""

import re

# The first line of each report. Sources, in the kernel: lib/bug.c and kernel/panic.c (WARNING,
# panic), arch/arm64/kernel/traps.c and mm/fault.c (oops), kernel/locking/lockdep.c,
# kernel/rcu/tree_stall.h, kernel/sched/core.c, kernel/hung_task.c, kernel/watchdog.c,
# mm/kasan/report.c, mm/kfence/report.c, kernel/kcsan/report.c, lib/ubsan.c, mm/kmemleak.c,
# lib/refcount.c, lib/list_debug.c, mm/oom_kill.c.
SIGNS = re.compile(
    r"""
    Kernel\ panic\ -\ not\ syncing
    | Internal\ error:
    | \b(?:Oops|BUG|KASAN|KFENCE|KCSAN|UBSAN)\b:?\ (?!disabled)
    | kernel\ BUG\ at\ 
    | WARNING:\ (?:CPU:|possible|bad|inconsistent|suspicious|held|Nested|lock|at\ )
    | INFO:\ (?:possible|inconsistent|suspicious|rcu_|task\ .*\ blocked|trying\ to\ register)
    | [Uu]nable\ to\ handle\ kernel
    | Unhandled\ fault
    | Bad\ mode\ in\ .*\ handler
    | rcu:?\ INFO:
    | (?:self-detected|detected\ stalls?)\ 
    | (?:soft|hard)\ (?:lockup|LOCKUP)
    | refcount_t:\ 
    | list_(?:add|del)\ corruption
    | scheduling\ while\ atomic
    | sleeping\ function\ called\ from
    | Out\ of\ memory:
    """,
    re.VERBOSE,
)
EXCERPT_LINES = 40
_STAMP = re.compile(r"^(?:<\d+>)?\[\s*\d+\.\d+\](?:\[[^\]]*\])? ?")


def find(log: str) -> str:
    """Give the excerpt of the first report in a kernel log, or "" where all is well.

    It begins at the line that announces the report (for a warning, at its "cut here" line is of no
    use, so the next) and ends with the report, after EXCERPT_LINES at most.
    """
    lines = log.replace("\r", "").split("\n")
    for number, line in enumerate(lines):
        if SIGNS.search(_STAMP.sub("", line)):
            return "\n".join(_report(lines[number:]))
    return ""


def _report(lines: list[str]) -> list[str]:
    report: list[str] = []
    for line in lines[:EXCERPT_LINES]:
        report.append(line)
        if "---[ end " in line:
            break
    return report
