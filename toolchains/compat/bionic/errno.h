/* SPDX-License-Identifier: BSD-3-Clause */
/* bionic's errno.h with the program names that glibc and musl provide. */
#include_next <errno.h>

#if !defined(COMPAT_ERRNO_H) && defined(_GNU_SOURCE)
#define COMPAT_ERRNO_H

#ifdef __cplusplus
extern "C" {
#endif

/* argv[0], and its part after the last slash. */
extern char *program_invocation_name, *program_invocation_short_name;

#ifdef __cplusplus
}
#endif

#endif
