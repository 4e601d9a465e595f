/* SPDX-License-Identifier: BSD-3-Clause */
/* The names of the syscalls of both ABIs. */
#ifndef SYSCALLS_H
#define SYSCALLS_H

#include <stdbool.h>

#include "syscall_mon.h"

/* The ABI's name: "arm64", "arm". */
const char *abi_name(enum abi abi);

/* The name, or NULL where the tables have none. */
const char *syscall_name(enum abi abi, unsigned int number);

/* The slot of a name in the ABI's table, or -1. */
int syscall_find(enum abi abi, const char *name);

/* The name of either table that the fewest edits make of this one; NULL if nothing is like it. */
const char *syscall_nearest(const char *name);

#endif
