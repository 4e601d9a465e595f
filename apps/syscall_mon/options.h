/* SPDX-License-Identifier: BSD-3-Clause */
/* What the command line asks for. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "common_options.h"
#include "syscall_mon.h"

/* Beside env. */
struct own_options {
	struct key_list tids;
	bool filter_syscall, syscalls_included;
	bool included[SLOTS], excluded[SLOTS];
	unsigned long long min_ns;
	bool failed, summary;
};

extern struct own_options own;

/* Fills both; ends the program with a line on stderr and status 1 if it cannot be done. */
void parse_options(int argc, char **argv);

#endif
