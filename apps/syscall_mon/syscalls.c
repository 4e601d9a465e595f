// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <string.h>

#include "syscalls.h"
#include "syscall_table.h"

#define NAME_MAX_LEN 63

const char *abi_name(enum abi abi)
{
	return abi_names[abi];
}

const char *syscall_name(enum abi abi, int number)
{
	static char unknown[sizeof("unknown_-2147483648")];
	unsigned int slot = syscall_slot(ABI_NATIVE, number);

	if (slot != UNKNOWN_SLOT && syscall_names[abi][slot])
		return syscall_names[abi][slot];
	snprintf(unknown, sizeof(unknown), "unknown_%d", number);
	return unknown;
}

int syscall_find(enum abi abi, const char *name)
{
	for (int slot = 0; slot < UNKNOWN_SLOT; slot++)
		if (syscall_names[abi][slot] && !strcmp(syscall_names[abi][slot], name))
			return abi * ABI_SLOTS + slot;
	return -1;
}

/* Returns the edit distance: insertions, deletions, replacements, swaps of neighbours. */
static size_t edits(const char *from, const char *to)
{
	size_t table[NAME_MAX_LEN + 1][NAME_MAX_LEN + 1]; /* by the lengths of both prefixes */
	size_t rows = strlen(from), columns = strlen(to);

	for (size_t i = 0; i <= rows; i++) {
		for (size_t j = 0; j <= columns; j++) {
			size_t best = i + j;

			if (i && j) {
				best = table[i - 1][j - 1] + (from[i - 1] != to[j - 1]);
				if (table[i - 1][j] + 1 < best)
					best = table[i - 1][j] + 1;
				if (table[i][j - 1] + 1 < best)
					best = table[i][j - 1] + 1;
			}
			if (i > 1 && j > 1 && from[i - 1] == to[j - 2] &&
			    from[i - 2] == to[j - 1] && table[i - 2][j - 2] + 1 < best)
				best = table[i - 2][j - 2] + 1;
			table[i][j] = best;
		}
	}
	return table[rows][columns];
}

const char *syscall_nearest(const char *name)
{
	const char *nearest = NULL;
	size_t fewest = strlen(name) / 2 + 1; /* names further apart are not similar */

	if (strlen(name) > NAME_MAX_LEN)
		return NULL;
	for (int i = 0; i < ABIS * UNKNOWN_SLOT; i++) {
		const char *candidate = syscall_names[i / UNKNOWN_SLOT][i % UNKNOWN_SLOT];
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
