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
#include "rules.h"

const char *argp_program_version = "proc_mon 0.1.0";

static const char doc[] =
	"Show which programs are executed and how processes end, and kill what must not run.\v"
	"Filters of different kinds must all match; of values of one kind, one must.\n\n"
	"Rules are not filters. A process for which one holds at its exec is killed before its first "
	"instruction, and told as a deny event, whatever the filters say (but -e):\n"
	"  comm=NAME     the process's name\n"
	"  path=PATH     what exec was given, or the executable itself (of a script the "
	"interpreter); all below it if PATH ends with a slash\n"
	"  cgroup=PATH   in that cgroup or below; a NAME without a slash is that of any cgroup on "
	"the way, or a container's ID, 12 digits or more of it\n"
	"Process 1 is never killed.\n\n"
	"Text is a line an event:\n"
	"  id=7 event=exit uid=2000 gid=2000 container=host ppid=411 pid=1290 comm=sleep "
	"path=/system/bin/sleep state=exited exit_code=0 duration_ms=1004.211\n"
	"id counts what is shown. container is the ID of the container that the cgroup is of (12 "
	"digits of it in text), of LXC the name, or host. path is what exec was given, or the "
	"executable where that is no path from the root, is in /proc or /dev/fd, or has a ..; of a "
	"process that never called exec its parent's. state is what the event says: running at an "
	"exec; at an exit exited, or killed or dumped (with core) by a signal, whose exit_code is "
	"128 more; denied. duration_ms is how long the process has existed. A process ends with "
	"the last of its threads, which are not shown.\n"
	"Bytes other than printable ASCII, and space, = \" and \\, show as \\xNN. json is an object a "
	"line, csv has a header; both add cgroup and timestamp (UTC).\n\n"
	"Ends at Ctrl-C, at what -d and -n say, when stdout is closed, and when all processes of -p "
	"are gone; rules hold no longer. What was lost on the way is told on stderr.";

enum { KEY_CONTAINER = 256, KEY_DENY, KEY_READY_FD, KEY_BTF };

static const struct argp_option options[] = {
	{ "pid", 'p', "PID", 0, "Only this process; may be repeated", 1 },
	{ "parent", 'P', "PID", 0, "Only processes with this parent; may be repeated", 1 },
	{ "comm", 'c', "COMM", 0, "Only processes of this name (15 bytes at most); may be repeated",
	  1 },
	{ "uid", 'u', "UID", 0, "Only this user ID; an Android app has one; may be repeated", 1 },
	{ "event", 'e', "KIND", 0, "Only these events: exec, exit or deny; may be repeated", 1 },
	{ "container", KEY_CONTAINER, NULL, 0, "Only processes in containers", 1 },
	{ "deny", KEY_DENY, "RULE", 0,
	  "Kill at its exec what this holds for: comm=NAME, path=PATH or cgroup=CGROUP; may be "
	  "repeated",
	  2 },
	{ "duration", 'd', "SECONDS", 0, "Stop after this time; fractions are fine", 3 },
	{ "count", 'n', "COUNT", 0, "Stop after this many events", 3 },
	{ "output", 'o', "FORMAT", 0, "text (the default), json or csv", 4 },
	{ "buffer", 'b', "KIB", 0, "Size of the ring buffer (4096)", 5 },
	{ "btf", KEY_BTF, "FILE", 0, "BTF of the kernel, for one that has none itself", 5 },
	{ "ready-fd", KEY_READY_FD, "FD", 0,
	  "Write a newline to FD and close it when tracing has begun", 5 },
	{ "verbose", 'v', NULL, 0, "Show what libbpf does, on stderr", 5 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, 0 },
	{},
};

struct options env = { .buffer_kib = 4096, .ready_fd = -1 };

void complain(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("proc_mon: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

#define die(...) (complain(__VA_ARGS__), exit(1))

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

/* A thread's ID is none of a process, though kill() knows it. */
static bool is_thread(unsigned int id)
{
	unsigned int tgid = id;
	char line[128], path[32];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/status", id);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Tgid: %u", &tgid) == 1)
			break;
	if (file)
		fclose(file);
	return tgid != id;
}

static void add_process(struct id_list *list, const char *text)
{
	unsigned int id = parse_integer("process ID", text, 1, INT_MAX);

	if ((kill(id, 0) && errno == ESRCH) || is_thread(id))
		die("no such process: %u", id);
	add_id(list, id);
}

static void add_comm(const char *text)
{
	if (!*text)
		die("bad comm '': a name is needed");
	if (strlen(text) >= COMM_LEN)
		die("bad comm '%s': a process's name has %d bytes at most", text, COMM_LEN - 1);
	env.comms = grow(env.comms, env.n_comms, sizeof(*env.comms));
	strncpy(env.comms[env.n_comms++], text, COMM_LEN);
}

static void add_kind(const char *text)
{
	static const char *const names[] = { "exec", "exit", "deny" };

	for (enum kind kind = 0; kind < KINDS; kind++)
		if (!strcmp(text, names[kind])) {
			env.kinds[kind] = env.filter_kind = true;
			return;
		}
	die("bad event '%s': exec, exit or deny is needed", text);
}

static void add_rule(const char *text)
{
	const char *problem = rules_add(text);

	if (problem)
		die("bad rule '%s': %s", text, problem);
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
	double seconds;
	char *end;

	seconds = strtod(text, &end);
	if (strspn(text, "0123456789.") != strlen(text) || end == text || *end || seconds > 1e8)
		die("bad duration '%s': a number from 0 to 100000000 is needed", text);
	if (seconds < 1e-6)
		die("bad duration '%s': more than 0 seconds are needed", text);
	env.duration.it_value.tv_sec = seconds;
	env.duration.it_value.tv_usec = (seconds - env.duration.it_value.tv_sec) * 1e6;
}

static void set_ready_fd(const char *text)
{
	env.ready_fd = parse_integer("file descriptor", text, 0, INT_MAX);
	if (fcntl(env.ready_fd, F_GETFD) < 0)
		die("bad file descriptor %s: %s", text, strerror(errno));
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'p':
		add_process(&env.pids, arg);
		break;
	case 'P':
		add_process(&env.ppids, arg);
		break;
	case 'c':
		add_comm(arg);
		break;
	case 'u':
		add_id(&env.uids, parse_integer("user ID", arg, 0, UINT_MAX - 1));
		break;
	case 'e':
		add_kind(arg);
		break;
	case KEY_CONTAINER:
		env.containers = true;
		break;
	case KEY_DENY:
		add_rule(arg);
		break;
	case 'd':
		set_duration(arg);
		break;
	case 'n':
		env.count = parse_integer("count", arg, 1, LLONG_MAX);
		break;
	case 'o':
		env.format = parse_format(arg);
		break;
	case 'b':
		env.buffer_kib = parse_integer("buffer size", arg, 1, 1 << 20);
		break;
	case KEY_BTF:
		env.btf = arg;
		break;
	case KEY_READY_FD:
		set_ready_fd(arg);
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
