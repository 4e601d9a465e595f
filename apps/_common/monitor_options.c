// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "monitor_shared.h"
#include "monitor_options.h"

enum { KEY_READY_FD = 256 };

static const struct argp_option argp_options[] = {
	{ "pid", 'p', "PID", 0, "Only this process; may be repeated", 1 },
	{ "uid", 'u', "UID", 0, "Only this user ID (each Android app has its own); may be repeated",
	  1 },
	{ "duration", 'd', "SECONDS", 0, "Stop after this many seconds; may be a fraction", 3 },
	{ "count", 'n', "COUNT", 0, "Stop after this many events", 3 },
	{ "output", 'o', "FORMAT", 0, "Output format: text (default), json or csv", 4 },
	{ "buffer", 'b', "KIB", 0, "Size of the ring buffer in KiB (default: 4096)", 5 },
	{ "ready-fd", KEY_READY_FD, "FD", 0,
	  "Write a newline to FD and close it once tracing has started", 5 },
	{ "verbose", 'v', NULL, 0, "Print libbpf's debug messages to stderr", 5 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, 0 },
	{},
};

struct monitor_options monitor_options = { .buffer_kib = 4096, .ready_fd = -1 };

void monitor_warn(const char *format, ...)
{
	int name_len = strcspn(argp_program_version, " ");
	va_list args;

	fprintf(stderr, "%.*s: ", name_len, argp_program_version);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

unsigned long long monitor_parse_integer(const char *what, const char *text, unsigned long long min,
					 unsigned long long max)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value < min || value > max)
		monitor_die("bad %s '%s': expected a number from %llu to %llu", what, text, min,
			    max);
	return value;
}

double monitor_parse_real(const char *what, const char *text, double max)
{
	double value;
	char *end;

	value = strtod(text, &end);
	if (strspn(text, "0123456789.") != strlen(text) || end == text || *end || value > max)
		monitor_die("bad %s '%s': expected a number from 0 to %.0f", what, text, max);
	return value;
}

unsigned int monitor_read_number(const char *path, const char *key)
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

static void add_key(struct monitor_keys *list, const void *key, size_t size)
{
	list->keys = reallocarray(list->keys, list->n + 1, size);
	if (!list->keys)
		monitor_die("%s", strerror(ENOMEM));
	memcpy((char *)list->keys + list->n++ * size, key, size);
}

static void add_id(struct monitor_keys *list, unsigned int id)
{
	add_key(list, &id, sizeof(id));
}

/* kill() accepts the ID of a process and of a thread. */
static unsigned int parse_task(const char *kind, const char *text)
{
	char what[32];
	unsigned int id;

	snprintf(what, sizeof(what), "%s ID", kind);
	id = monitor_parse_integer(what, text, 1, INT_MAX);
	if (kill(id, 0) && errno == ESRCH)
		monitor_die("no such %s: %u", kind, id);
	return id;
}

void monitor_add_process(struct monitor_keys *list, const char *text)
{
	unsigned int id = parse_task("process", text), tgid;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u/status", id);
	tgid = monitor_read_number(path, "Tgid:");
	if (tgid && tgid != id)
		monitor_die("no such process: %u is a thread of process %u", id, tgid);
	add_id(list, id);
}

void monitor_add_thread(struct monitor_keys *list, const char *text)
{
	add_id(list, parse_task("thread", text));
}

void monitor_add_comm(const char *kind, const char *text)
{
	char comm[MONITOR_COMM_LEN] = {};

	if (strlen(text) >= MONITOR_COMM_LEN)
		monitor_die("bad comm '%s': a %s name has at most %d bytes", text, kind,
			    MONITOR_COMM_LEN - 1);
	memcpy(comm, text, strlen(text));
	add_key(&monitor_options.comms, comm, sizeof(comm));
}

static enum writer_format parse_format(const char *text)
{
	static const char *const names[] = { "text", "json", "csv" };

	for (enum writer_format format = WRITER_TEXT; format <= WRITER_CSV; format++)
		if (!strcmp(text, names[format]))
			return format;
	monitor_die("bad output format '%s': expected text, json or csv", text);
}

static void set_duration(const char *text)
{
	double seconds = monitor_parse_real("duration", text, 1e8);

	if (seconds < 1e-6)
		monitor_die("bad duration '%s': expected more than 0 seconds", text);
	monitor_options.duration.it_value.tv_sec = seconds;
	monitor_options.duration.it_value.tv_usec =
		(seconds - monitor_options.duration.it_value.tv_sec) * 1e6;
}

static void set_ready_fd(const char *text)
{
	monitor_options.ready_fd = monitor_parse_integer("file descriptor", text, 0, INT_MAX);
	if (fcntl(monitor_options.ready_fd, F_GETFD) < 0)
		monitor_die("bad file descriptor %s: %s", text, strerror(errno));
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'p':
		monitor_add_process(&monitor_options.pids, arg);
		break;
	case 'u':
		add_id(&monitor_options.uids,
		       monitor_parse_integer("user ID", arg, 0, UINT_MAX - 1));
		break;
	case 'd':
		set_duration(arg);
		break;
	case 'n':
		monitor_options.count = monitor_parse_integer("count", arg, 1, LLONG_MAX);
		break;
	case 'o':
		writer_format = parse_format(arg);
		break;
	case 'b':
		monitor_options.buffer_kib = monitor_parse_integer("buffer size", arg, 1, 1 << 20);
		break;
	case KEY_READY_FD:
		set_ready_fd(arg);
		break;
	case 'v':
		monitor_options.verbose = true;
		break;
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		break;
	case ARGP_KEY_ARG:
		monitor_die("unexpected argument '%s'", arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void monitor_parse_options(const struct argp_option *options, argp_parser_t parser, const char *doc,
			   int argc, char **argv)
{
	static const struct argp common = {
		argp_options, parse_option, NULL, NULL, NULL, NULL, NULL
	};
	static const struct argp_child children[] = { { &common, 0, NULL, 0 }, {} };
	const struct argp argp = { options, parser, NULL, doc, children, NULL, NULL };

	argp_err_exit_status = 1;
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
}
