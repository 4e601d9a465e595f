/* SPDX-License-Identifier: BSD-3-Clause */
/* The names of the syscalls of both ABIs. */
#ifndef SYSCALLS_H
#define SYSCALLS_H

#include <stdbool.h>

#include "syscall_mon.h"

/* Returns the ABI's name, such as "arm64" or "arm". */
const char *abi_name(enum abi abi);

/* Returns the syscall's name, or unknown_NUMBER; the text is valid until the next call. */
const char *syscall_name(enum abi abi, int number);

/* Returns the slot of a name in the ABI's table, or -1. */
int syscall_find(enum abi abi, const char *name);

/* Returns the most similar name of either table, or NULL if none is similar. */
const char *syscall_nearest(const char *name);

#endif
