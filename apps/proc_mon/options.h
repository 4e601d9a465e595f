/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line; the --deny rules are in rules.h. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "monitor_options.h"
#include "proc_mon.h"

/* The options that are not in monitor_options. */
struct options {
	bool filter_kind, kinds[KINDS];
	bool containers;
	const char *btf; /* NULL: no --btf */
};

extern struct options options;

/* Fills options and monitor_options; on an error, prints a line to stderr and exits. */
void parse_options(int argc, char **argv);

#endif
