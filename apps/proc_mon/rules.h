/* SPDX-License-Identifier: BSD-3-Clause */
/* The --deny rules: parses them and loads them into the trie of the BPF programs. */
#ifndef RULES_H
#define RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "proc_mon.h"

/* Adds a rule. Returns NULL, or why the rule is invalid. */
const char *rules_add(const char *text);

/* Returns the rule as the user wrote it, or NULL for NO_RULE. */
const char *rules_text(unsigned int rule);

/* Returns the number of keys in the trie. */
size_t rules_count_keys(void);

/* Returns whether any rule matches on the subject. */
bool rules_match_on(enum subject subject);

/* Fills the trie. Returns 0 or a negative errno. */
int rules_load(int map_fd);

#endif
