// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "comm.h"
#include "common_options.h"

enum { KEY_READY_FD = 256 };

static const struct argp_option options[] = {
	{ "uid", 'u', "UID", 0, "Only this user ID; an Android app has one; may be repeated", 1 },
	{ "duration", 'd', "SECONDS", 0, "Stop after this time; fractions are fine", 3 },
	{ "count", 'n', "COUNT", 0, "Stop after this many events", 3 },
	{ "output", 'o', "FORMAT", 0, "text (the default), json or csv", 4 },
	{ "buffer", 'b', "KIB", 0, "Size of the ring buffer (4096)", 5 },
	{ "ready-fd", KEY_READY_FD, "FD", 0,
	  "Write a newline to FD and close it when tracing has begun", 5 },
	{ "verbose", 'v', NULL, 0, "Show what libbpf does, on stderr", 5 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, 0 },
	{},
};

struct options env = { .buffer_kib = 4096, .ready_fd = -1 };

void complain(const char *format, ...)
{
	int name_len = strcspn(argp_program_version, " ");
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%.*s: ", name_len, argp_program_version);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

unsigned long long parse_integer(const char *what, const char *text, unsigned long long min,
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

double parse_real(const char *what, const char *text, double max)
{
	double value;
	char *end;

	value = strtod(text, &end);
	if (strspn(text, "0123456789.") != strlen(text) || end == text || *end || value > max)
		die("bad %s '%s': a number from 0 to %.0f is needed", what, text, max);
	return value;
}

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

/* A thread's ID is none of a process, though kill() knows it. */
unsigned int parse_task(const char *kind, const char *text, unsigned int *tgid)
{
	char what[32], path[32];
	unsigned int id;

	snprintf(what, sizeof(what), "%s ID", kind);
	id = parse_integer(what, text, 1, INT_MAX);
	if (kill(id, 0) && errno == ESRCH)
		die("no such %s: %u", kind, id);
	snprintf(path, sizeof(path), "/proc/%u/status", id);
	*tgid = read_number(path, "Tgid:") ?: id;
	return id;
}

static void add_key(struct key_list *list, const void *key, size_t size)
{
	list->keys = reallocarray(list->keys, list->n + 1, size);
	if (!list->keys)
		die("%s", strerror(ENOMEM));
	memcpy((char *)list->keys + list->n++ * size, key, size);
}

void add_id(struct key_list *list, unsigned int id)
{
	add_key(list, &id, sizeof(id));
}

void add_comm(const char *kind, const char *text)
{
	char comm[COMM_LEN] = {};

	if (strlen(text) >= COMM_LEN)
		die("bad comm '%s': a %s's name has %d bytes at most", text, kind, COMM_LEN - 1);
	memcpy(comm, text, strlen(text));
	add_key(&env.comms, comm, sizeof(comm));
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

static void set_ready_fd(const char *text)
{
	env.ready_fd = parse_integer("file descriptor", text, 0, INT_MAX);
	if (fcntl(env.ready_fd, F_GETFD) < 0)
		die("bad file descriptor %s: %s", text, strerror(errno));
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'u':
		add_id(&env.uids, parse_integer("user ID", arg, 0, UINT_MAX - 1));
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

void parse_command_line(const struct argp_option *own, argp_parser_t parser, const char *doc,
			int argc, char **argv)
{
	static const struct argp common = { options, parse_option, NULL, NULL, NULL, NULL, NULL };
	static const struct argp_child children[] = { { &common, 0, NULL, 0 }, {} };
	const struct argp argp = { own, parser, NULL, doc, children, NULL, NULL };

	argp_err_exit_status = 1;
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
}
