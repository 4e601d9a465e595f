/* SPDX-License-Identifier: BSD-3-Clause */
/* The options that all monitors have, and what their own are parsed with. */
#ifndef COMMON_OPTIONS_H
#define COMMON_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/time.h>

#include "writer.h"

/* What a filter lets through: the keys of its map. */
struct key_list {
	void *keys;
	size_t n;
};

struct options {
	struct key_list pids, uids, comms; /* pids and comms are filled by the app */
	struct itimerval duration;
	unsigned long long count; /* 0: no limit */
	enum format format;
	unsigned int buffer_kib;
	int ready_fd; /* -1: none */
	bool verbose;
};

extern struct options env;

/*
 * Fills env, and what an app has beside it by its own options and parser; ends the program with a
 * line on stderr and status 1 if it cannot be done.
 */
void parse_command_line(const struct argp_option *own, argp_parser_t parser, const char *doc,
			int argc, char **argv);

/* Says it in a line on stderr, after the program's name: the first word of argp_program_version. */
__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);

#define die(...) (complain(__VA_ARGS__), exit(1))

/* These give the value of a text, or end the program. */
unsigned long long parse_integer(const char *what, const char *text, unsigned long long min,
				 unsigned long long max);
double parse_real(const char *what, const char *text, double max);

/* The ID of a "process" or a "thread" that there is, and that of its process. */
unsigned int parse_task(const char *kind, const char *text, unsigned int *tgid);

void add_id(struct key_list *list, unsigned int id);

/* Adds a name to those of -c, which are of that kind. */
void add_comm(const char *kind, const char *text);

/* The number in the first line of a file that starts with the key, 0 if there is none. */
unsigned int read_number(const char *path, const char *key);

#endif
