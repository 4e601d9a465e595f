// SPDX-License-Identifier: BSD-3-Clause
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

enum { KEY_SUMMARY = 256, KEY_READY_FD };

static const struct argp_option options[] = {
	{ "pid", 'p', "PID", 0, "Only this process, all its threads; may be repeated", 1 },
	{ "tid", 't', "TID", 0, "Only this thread; may be repeated", 1 },
	{ "comm", 'c', "COMM", 0, "Only threads of this name (15 bytes at most); may be repeated",
	  1 },
	{ "uid", 'u', "UID", 0, "Only this user ID; an Android app has one; may be repeated", 1 },
	{ "syscall", 's', "[!]SYSCALL", 0,
	  "Only (with !, all but) this syscall, a name or a number; may be repeated", 1 },
	{ "min-us", 'm', "US", 0, "Only calls that took this long, in microseconds", 1 },
	{ "failed", 'f', NULL, 0, "Only calls that returned an error", 1 },
	{ "duration", 'd', "SECONDS", 0, "Stop after this time; fractions are fine", 2 },
	{ "count", 'n', "COUNT", 0, "Stop after this many events", 2 },
	{ "summary", KEY_SUMMARY, NULL, 0,
	  "No events: at the end, count, errors, total, mean, max and a histogram by syscall", 3 },
	{ "output", 'o', "FORMAT", 0, "text (the default), json or csv", 3 },
	{ "buffer", 'b', "KIB", 0, "Size of the ring buffer (4096)", 4 },
	{ "ready-fd", KEY_READY_FD, "FD", 0,
	  "Write a newline to FD and close it when tracing has begun", 4 },
	{ "verbose", 'v', NULL, 0, "Show what libbpf does, on stderr", 4 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, 0 },
	{},
};

struct options env = { .buffer_kib = 4096, .ready_fd = -1 };

void complain(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("syscall_mon: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

#define die(...) (complain(__VA_ARGS__), exit(1))

unsigned int read_number(const char *path, const char *key)
{
	FILE *file = fopen(path, "re");
	unsigned int number = 0;
	char line[128];

	while (file && !number && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)))
			number = strtoul(line + strlen(key), NULL, 10);
	if (file)
		fclose(file);
	return number;
}

static unsigned long long parse_integer(const char *what, const char *text, unsigned long long min,
					unsigned long long max)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value < min || value > max)
		die("bad %s '%s': a number from %llu to %llu is needed", what, text, min, max);
	return value;
}

static double parse_real(const char *what, const char *text, double max)
{
	double value;
	char *end;

	value = strtod(text, &end);
	if (strspn(text, "0123456789.") != strlen(text) || end == text || *end || value > max)
		die("bad %s '%s': a number from 0 to %.0f is needed", what, text, max);
	return value;
}

static void *grow(void *array, size_t n, size_t size)
{
	array = reallocarray(array, n + 1, size);
	if (!array)
		die("%s", strerror(ENOMEM));
	return array;
}

static void add_id(struct id_list *list, unsigned int id)
{
	list->ids = grow(list->ids, list->n, sizeof(*list->ids));
	list->ids[list->n++] = id;
}

static void add_task(struct id_list *list, const char *what, const char *text)
{
	unsigned int id = parse_integer(what, text, 1, INT_MAX), tgid;
	char path[32];

	if (kill(id, 0) && errno == ESRCH)
		die("no such %s: %u", list == &env.pids ? "process" : "thread", id);
	snprintf(path, sizeof(path), "/proc/%u/status", id);
	tgid = read_number(path, "Tgid:");
	if (list == &env.pids && tgid && tgid != id)
		die("no such process: %u is a thread of process %u (-t %u shows it alone)", id,
		    tgid, id);
	add_id(list, id);
}

static void add_comm(const char *text)
{
	if (strlen(text) >= COMM_LEN)
		die("bad comm '%s': a thread's name has %d bytes at most", text, COMM_LEN - 1);
	env.comms = grow(env.comms, env.n_comms, sizeof(*env.comms));
	strncpy(env.comms[env.n_comms++], text, COMM_LEN);
}

/* A number means that of both ABIs, a name all the numbers that have it. */
static void add_syscall(const char *text)
{
	bool exclude = *text == '!';
	bool *set = exclude ? env.excluded : env.included;
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
	env.filter_syscall = true;
	env.syscalls_included |= !exclude;
}

static enum format parse_format(const char *text)
{
	static const char *const names[] = { "text", "json", "csv" };

	for (enum format format = FORMAT_TEXT; format <= FORMAT_CSV; format++)
		if (!strcmp(text, names[format]))
			return format;
	die("bad output format '%s': text, json or csv is needed", text);
}

static void set_duration(const char *text)
{
	double seconds = parse_real("duration", text, 1e8);

	if (seconds < 1e-6)
		die("bad duration '%s': more than 0 seconds are needed", text);
	env.duration.it_value.tv_sec = seconds;
	env.duration.it_value.tv_usec = (seconds - env.duration.it_value.tv_sec) * 1e6;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'p':
		add_task(&env.pids, "process ID", arg);
		break;
	case 't':
		add_task(&env.tids, "thread ID", arg);
		break;
	case 'c':
		add_comm(arg);
		break;
	case 'u':
		add_id(&env.uids, parse_integer("user ID", arg, 0, UINT_MAX - 1));
		break;
	case 's':
		add_syscall(arg);
		break;
	case 'm':
		env.min_ns = parse_real("time", arg, 1e12) * 1e3;
		break;
	case 'f':
		env.failed = true;
		break;
	case 'd':
		set_duration(arg);
		break;
	case 'n':
		env.count = parse_integer("count", arg, 1, LLONG_MAX);
		break;
	case KEY_SUMMARY:
		env.summary = true;
		break;
	case 'o':
		env.format = parse_format(arg);
		break;
	case 'b':
		env.buffer_kib = parse_integer("buffer size", arg, 1, 1 << 20);
		break;
	case KEY_READY_FD:
		env.ready_fd = parse_integer("file descriptor", arg, 0, INT_MAX);
		if (fcntl(env.ready_fd, F_GETFD) < 0)
			die("bad file descriptor %s: %s", arg, strerror(errno));
		break;
	case 'v':
		env.verbose = true;
		break;
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		break;
	case ARGP_KEY_ARG:
		die("unexpected argument '%s'", arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void parse_options(int argc, char **argv)
{
	static const struct argp argp = { options, parse_option, NULL, doc, NULL, NULL, NULL };

	argp_err_exit_status = 1;
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
}
