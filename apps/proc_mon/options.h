/* SPDX-License-Identifier: BSD-3-Clause */
/* What the command line asks for; the --deny rules are in rules.h. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/time.h>

#include "output.h"
#include "proc_mon.h"

struct id_list {
	unsigned int *ids;
	size_t n;
};

struct options {
	struct id_list pids, ppids, uids;
	char (*comms)[COMM_LEN];
	size_t n_comms;
	bool filter_kind, kinds[KINDS];
	bool containers, verbose;
	struct itimerval duration;
	unsigned long long count; /* 0: no limit */
	enum format format;
	unsigned int buffer_kib;
	int ready_fd; /* -1: none */
	const char *btf; /* NULL: none named */
};

extern struct options env;

/* Fills env; ends the program with a line on stderr and status 1 if it cannot be done. */
void parse_options(int argc, char **argv);

/* Says it in a line on stderr. */
__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);

#endif
