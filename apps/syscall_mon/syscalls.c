// SPDX-License-Identifier: BSD-3-Clause
#include <stddef.h>
#include <string.h>

#include "syscalls.h"
#include "syscall_table.h"

#define NAME_MAX_LEN 63

const char *abi_name(enum abi abi)
{
	return abi_names[abi];
}

const char *syscall_name(enum abi abi, unsigned int number)
{
	return syscall_names[syscall_slot(abi, number)];
}

int syscall_find(enum abi abi, const char *name)
{
	for (int slot = abi * ABI_SLOTS; slot < (int)(abi + 1) * ABI_SLOTS; slot++)
		if (syscall_names[slot] && !strcmp(syscall_names[slot], name))
			return slot;
	return -1;
}

/* Levenshtein's distance, by rows. */
static size_t edits(const char *from, const char *to)
{
	size_t row[NAME_MAX_LEN + 1], len = strlen(to);

	for (size_t i = 0; i <= len; i++)
		row[i] = i;
	for (size_t j = 1; *from; j++, from++) {
		size_t diagonal = row[0];

		row[0] = j;
		for (size_t i = 1; i <= len; i++) {
			size_t best = diagonal + (to[i - 1] != *from);

			if (row[i] + 1 < best)
				best = row[i] + 1;
			if (row[i - 1] + 1 < best)
				best = row[i - 1] + 1;
			diagonal = row[i];
			row[i] = best;
		}
	}
	return row[len];
}

const char *syscall_nearest(const char *name)
{
	const char *nearest = NULL;
	size_t fewest = strlen(name); /* as many make any name of any other */

	for (int slot = 0; slot < SLOTS; slot++) {
		const char *candidate = syscall_names[slot];
		size_t n;

		if (!candidate || strlen(candidate) > NAME_MAX_LEN)
			continue;
		n = edits(name, candidate);
		if (n < fewest) {
			fewest = n;
			nearest = candidate;
		}
	}
	return nearest;
}
