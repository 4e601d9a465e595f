/* SPDX-License-Identifier: BSD-3-Clause */
/* What timezone.c and timezone_property.c share. */
#ifndef DROIDBPF_TIMEZONE_H
#define DROIDBPF_TIMEZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

#ifndef DROIDBPF_ROOT
#define DROIDBPF_ROOT "" /* the tests have phones elsewhere */
#endif
#define ZONE_LEN 40 /* bytes of a zone's name at most */

/* Gives persist.sys.timezone, of less than ZONE_LEN bytes; false where there is none. */
bool droidbpf_find_zone(char *zone);

static inline bool read_at(int fd, void *to, size_t size, off_t at)
{
	return pread(fd, to, size, at) == (ssize_t)size;
}

#endif
