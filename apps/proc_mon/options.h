/* SPDX-License-Identifier: BSD-3-Clause */
/* What the command line asks for; the --deny rules are in rules.h. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "common_options.h"
#include "proc_mon.h"

/* Beside env. */
struct own_options {
	struct key_list ppids;
	bool filter_kind, kinds[KINDS];
	bool containers;
	const char *btf; /* NULL: none named */
};

extern struct own_options own;

/* Fills both; ends the program with a line on stderr and status 1 if it cannot be done. */
void parse_options(int argc, char **argv);

#endif
