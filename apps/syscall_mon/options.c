// SPDX-License-Identifier: BSD-3-Clause
#include <limits.h>

#include "options.h"
#include "syscalls.h"

const char *argp_program_version = "syscall_mon 0.1.0";

static const char doc[] =
	"Show the system calls of processes, with the time each took.\v"
	"Filters of different kinds must all match; of values of one kind, one must. An event shows "
	"its thread's name and user ID at the end of the call, and -c and -u look at those.\n\n"
	"Text is a line an event:\n"
	"  pid=4379 comm=InteractionJank syscall_number=113 syscall_name=clock_gettime "
	"syscall_runtime_ns=2239\n"
	"Bytes of a comm other than printable ASCII, and space, = \" and \\, show as \\xNN. A number "
	"without a name shows as unknown_NUMBER.\n"
	"json is an object a line, csv has a header; both add tid, uid, abi, ret and timestamp, the "
	"time of the call (UTC). runtimes are ns of CLOCK_MONOTONIC.\n\n"
	"Ends at Ctrl-C, at what -d and -n say, when stdout is closed, and when all processes of -p "
	"are gone. What was lost on the way is told on stderr.";

enum { KEY_SUMMARY = 256 };

static const struct argp_option options[] = {
	{ "pid", 'p', "PID", 0, "Only this process, all its threads; may be repeated", 1 },
	{ "tid", 't', "TID", 0, "Only this thread; may be repeated", 1 },
	{ "comm", 'c', "COMM", 0, "Only threads of this name (15 bytes at most); may be repeated",
	  1 },
	{ "syscall", 's', "[!]SYSCALL", 0,
	  "Only (with !, all but) this syscall, a name or a number; may be repeated", 1 },
	{ "min-us", 'm', "US", 0, "Only calls that took this long, in microseconds", 1 },
	{ "failed", 'f', NULL, 0, "Only calls that returned an error", 1 },
	{ "summary", KEY_SUMMARY, NULL, 0,
	  "No events: at the end, count, errors, total, mean, max and a histogram by syscall", 4 },
	{},
};

struct own_options own;

static void add_task(struct key_list *list, const char *kind, const char *text)
{
	unsigned int tgid, id = parse_task(kind, text, &tgid);

	if (list == &env.pids && tgid != id)
		die("no such process: %u is a thread of process %u (-t %u shows it alone)", id,
		    tgid, id);
	add_id(list, id);
}

/* A number means that of both ABIs, a name all the numbers that have it. */
static void add_syscall(const char *text)
{
	bool exclude = *text == '!';
	bool *set = exclude ? own.excluded : own.included;
	const char *name = text + exclude;
	bool found = false;

	for (enum abi abi = 0; abi < ABIS; abi++) {
		int slot;

		if (*name >= '0' && *name <= '9') {
			slot = syscall_slot(abi, parse_integer("syscall number", name, 0, INT_MAX));
			if (slot % ABI_SLOTS == UNKNOWN_SLOT)
				die("no syscall has the number %s", name);
		} else {
			slot = syscall_find(abi, name);
		}
		if (slot >= 0) {
			set[slot] = true;
			found = true;
		}
	}
	if (!found && syscall_nearest(name))
		die("unknown syscall '%s': did you mean '%s'?", name, syscall_nearest(name));
	else if (!found)
		die("unknown syscall '%s'", name);
	own.filter_syscall = true;
	own.syscalls_included |= !exclude;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	(void)state;
	switch (key) {
	case 'p':
		add_task(&env.pids, "process", arg);
		break;
	case 't':
		add_task(&own.tids, "thread", arg);
		break;
	case 'c':
		add_comm("thread", arg);
		break;
	case 's':
		add_syscall(arg);
		break;
	case 'm':
		own.min_ns = parse_real("time", arg, 1e12) * 1e3;
		break;
	case 'f':
		own.failed = true;
		break;
	case KEY_SUMMARY:
		own.summary = true;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void parse_options(int argc, char **argv)
{
	parse_command_line(options, parse_option, doc, argc, argv);
}
