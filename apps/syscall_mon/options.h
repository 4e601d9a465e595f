/* SPDX-License-Identifier: BSD-3-Clause */
/* What the command line asks for. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/time.h>

#include "output.h"
#include "syscall_mon.h"

struct id_list {
	unsigned int *ids;
	size_t n;
};

struct options {
	struct id_list pids, tids, uids;
	char (*comms)[COMM_LEN];
	size_t n_comms;
	bool filter_syscall, syscalls_included;
	bool included[SLOTS], excluded[SLOTS];
	unsigned long long min_ns;
	bool failed, summary, verbose;
	struct itimerval duration;
	unsigned long long count; /* 0: no limit */
	enum format format;
	unsigned int buffer_kib;
	int ready_fd; /* -1: none */
};

extern struct options env;

/* Fills env; ends the program with a line on stderr and status 1 if it cannot be done. */
void parse_options(int argc, char **argv);

/* Says it in a line on stderr. */
__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);

/* The number in the first line of a file that starts with the key, 0 if there is none. */
unsigned int read_number(const char *path, const char *key);

#endif
