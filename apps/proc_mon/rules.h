/* SPDX-License-Identifier: BSD-3-Clause */
/* The --deny rules: from the command line into the programs' trie. */
#ifndef RULES_H
#define RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "proc_mon.h"

/* Takes a rule in. NULL if that went well, else why the rule cannot be. */
const char *rules_add(const char *text);

/* The rule as it was written, NULL for NO_RULE. */
const char *rules_text(unsigned int rule);

/* How many keys the trie needs, of all subjects, and whether there are any of these. */
size_t rules_keys(void);
bool rules_look_at(enum subject subject);

/* Fills the trie. Gives 0 or a negative errno. */
int rules_load(int map_fd);

#endif
