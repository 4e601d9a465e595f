// SPDX-License-Identifier: BSD-3-Clause
#include <limits.h>

#include "options.h"
#include "syscalls.h"

const char *argp_program_version = "syscall_mon 0.1.0";

static const char doc[] =
	"Show the system calls of processes, with the time each took.\v"
	"Filters of different kinds must all match; of several values of one kind, any one. A "
	"thread's name and user ID, shown or filtered by, are those at the end of the call.\n\n"
	"Text output has one line per event:\n"
	"  pid=4379 comm=InteractionJank syscall_number=113 syscall_name=clock_gettime "
	"syscall_runtime_ns=2239\n"
	"Space, =, \", \\ and bytes other than printable ASCII appear as \\xNN in a comm. A number "
	"without a name appears as unknown_NUMBER.\n"
	"json has one object per line, csv a header; both add tid, uid, abi, ret and timestamp, "
	"the start of the call (UTC). Run times are measured by CLOCK_MONOTONIC.\n\n"
	"Stops at Ctrl-C, at the limit of -d or -n, when stdout is closed, and when all processes "
	"of -p have ended. Lost events are reported on stderr.";

enum { KEY_SUMMARY = 256 };

static const struct argp_option argp_options[] = {
	{ "tid", 't', "TID", 0, "Only this thread; may be repeated", 1 },
	{ "comm", 'c', "COMM", 0, "Only threads with this name (at most 15 bytes); may be repeated",
	  1 },
	{ "syscall", 's', "[!]SYSCALL", 0,
	  "Only this syscall, a name or number; with !, all except it; may be repeated", 1 },
	{ "min-us", 'm', "US", 0, "Only calls that took at least this long, in microseconds", 1 },
	{ "failed", 'f', NULL, 0, "Only calls that returned an error", 1 },
	{ "summary", KEY_SUMMARY, NULL, 0,
	  "Print, at the end and instead of events, count, errors, total, mean, maximum and a "
	  "histogram for each syscall",
	  4 },
	{},
};

struct options options;

/* A number selects that of both ABIs, a name all numbers with that name. */
static void add_syscall(const char *text)
{
	bool exclude = *text == '!';
	bool *set = exclude ? options.excluded : options.included;
	const char *name = text + exclude;
	bool found = false;

	for (enum abi abi = 0; abi < ABIS; abi++) {
		int slot;

		if (*name >= '0' && *name <= '9') {
			slot = syscall_slot(
				abi, monitor_parse_integer("syscall number", name, 0, INT_MAX));
			if (slot % ABI_SLOTS == UNKNOWN_SLOT)
				monitor_die("no syscall has number %s", name);
		} else {
			slot = syscall_find(abi, name);
		}
		if (slot >= 0) {
			set[slot] = true;
			found = true;
		}
	}
	if (!found && syscall_nearest(name))
		monitor_die("unknown syscall '%s': did you mean '%s'?", name,
			    syscall_nearest(name));
	else if (!found)
		monitor_die("unknown syscall '%s'", name);
	options.filter_syscall = true;
	options.syscalls_included |= !exclude;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	(void)state;
	switch (key) {
	case 't':
		monitor_add_thread(&monitor_options.others, arg);
		break;
	case 'c':
		monitor_add_comm("thread", arg);
		break;
	case 's':
		add_syscall(arg);
		break;
	case 'm':
		options.min_ns = monitor_parse_real("time", arg, 1e12) * 1e3;
		break;
	case 'f':
		options.failed = true;
		break;
	case KEY_SUMMARY:
		options.summary = true;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void parse_options(int argc, char **argv)
{
	monitor_parse_options(argp_options, parse_option, doc, argc, argv);
}
