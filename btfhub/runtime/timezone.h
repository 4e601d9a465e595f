/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by timezone.c and timezone_property.c. */
#ifndef DROIDBPF_TIMEZONE_H
#define DROIDBPF_TIMEZONE_H

#include <stdbool.h>

#ifndef DROIDBPF_ROOT
#define DROIDBPF_ROOT "" /* the tests use another root */
#endif
#define ZONE_LEN 40 /* maximum size of a zone's name, with its NUL */

/* Stores persist.sys.timezone, shorter than ZONE_LEN bytes. Returns false if there is none. */
bool droidbpf_find_zone(char *zone);

#endif
