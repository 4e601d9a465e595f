/* SPDX-License-Identifier: BSD-3-Clause */
/* The last part of a path as glibc's argp finds it, in place of gnulib's module for all systems. */
#include <string.h>

static inline char *last_component(const char *path)
{
	char *slash = strrchr(path, '/');

	return slash ? slash + 1 : (char *)path;
}
