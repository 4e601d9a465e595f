/* SPDX-License-Identifier: BSD-3-Clause */
/* The options that all monitors share, and helpers for parsing an app's own. */
#ifndef MONITOR_OPTIONS_H
#define MONITOR_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/time.h>

#include "writer.h"

/* The keys of a filter's map: what the filter lets through. */
struct monitor_keys {
	void *keys;
	size_t n;
};

struct monitor_options {
	struct monitor_keys pids, uids, comms, others; /* the app's parser fills the last two */
	struct itimerval duration;
	unsigned long long count; /* 0: no limit */
	unsigned int buffer_kib;
	int ready_fd; /* -1: none */
	bool verbose;
};

extern struct monitor_options monitor_options;

/*
 * Parses the command line: the shared options into monitor_options, the others by the app's parser.
 * On an error it prints a line to stderr and exits with status 1.
 */
void monitor_parse_options(const struct argp_option *options, argp_parser_t parser, const char *doc,
			   int argc, char **argv);

/* Prints a line to stderr after the program's name, the first word of argp_program_version. */
__attribute__((format(printf, 1, 2))) void monitor_warn(const char *format, ...);

#define monitor_die(...) (monitor_warn(__VA_ARGS__), exit(1))

/* Return the value of the text, or exit with a message that names it as `what`. */
unsigned long long monitor_parse_integer(const char *what, const char *text, unsigned long long min,
					 unsigned long long max);
double monitor_parse_real(const char *what, const char *text, double max);

/* Add the ID of an existing process or thread, or exit with a message. */
void monitor_add_process(struct monitor_keys *list, const char *text);
void monitor_add_thread(struct monitor_keys *list, const char *text);

/* Adds a name to monitor_options.comms; `kind` is what bears it, a "process" or a "thread". */
void monitor_add_comm(const char *kind, const char *text);

/* Returns the number in the first line of a file that starts with key, or 0 if there is none. */
unsigned int monitor_read_number(const char *path, const char *key);

#endif
