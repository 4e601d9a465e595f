"""Finds the report of an oops, a warning or a panic in a kernel log."""

import re

# The line that announces each report. Sources, in the kernel: kernel/panic.c, lib/bug.c (WARNING,
# BUG), arch/arm64/kernel/traps.c and mm/fault.c (oops), kernel/locking/lockdep.c,
# kernel/rcu/tree_stall.h, kernel/rcu/update.c, kernel/sched/core.c, kernel/hung_task.c,
# kernel/watchdog.c, mm/kasan/report.c, mm/kfence/report.c, lib/ubsan.c, lib/refcount.c,
# lib/list_debug.c.
_SIGNS = re.compile(
    "|".join(
        (
            r"Kernel panic - not syncing",
            r"Internal error: ",
            r"Oops[: ]",
            r"kernel BUG at ",
            r"\bBUG: ",
            r"\bWARNING: (CPU: \d|possible |inconsistent |bad |suspicious |held |Nested |lock )",
            r"\bWARNING: \S+:\d+ at ",
            r"\bINFO: (possible |inconsistent |suspicious |trying to register non-static key)",
            r"\bINFO: rcu\S* .*(detected|stall)",
            r"\bINFO: task .* blocked for more than",
            r"\b[Uu]nable to handle kernel",
            r"Unhandled fault",
            r"Bad mode in .* handler",
            r"hard LOCKUP",
            r"\bUBSAN: ",
            r"refcount_t: ",
            r"list_(add|del) corruption",
        )
    )
)
_CUT = "[ cut here ]"
_END = "---[ end "
MAX_LINES = 40


def find(log: str) -> str:
    """Return the first report in a kernel log, or "" where there is none.

    The excerpt begins at the report's "cut here" line if it has one, and ends with the report, or
    after MAX_LINES lines.
    """
    lines = log.split("\n")
    for number, line in enumerate(lines):
        if _SIGNS.search(line):
            cuts = [n for n in range(max(0, number - 5), number) if _CUT in lines[n]]
            report = lines[cuts[-1] if cuts else number :][:MAX_LINES]
            ends = [n for n, line in enumerate(report, start=1) if _END in line]
            return "\n".join(report[: ends[0] if ends else MAX_LINES]).rstrip()
    return ""
