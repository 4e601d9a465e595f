/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "monitor_options.h"
#include "syscall_mon.h"

/* The options that are not in monitor_options. */
struct options {
	bool filter_syscall, syscalls_included;
	bool included[SLOTS], excluded[SLOTS];
	unsigned long long min_ns;
	bool failed, summary;
};

extern struct options options;

/* Fills options and monitor_options; on an error, prints a line to stderr and exits. */
void parse_options(int argc, char **argv);

#endif
