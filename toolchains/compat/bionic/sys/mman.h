/* SPDX-License-Identifier: BSD-3-Clause */
/* bionic's sys/mman.h with memfd_create(), which it has since API level 30. */
#include_next <sys/mman.h>

#if !defined(COMPAT_SYS_MMAN_H) && defined(_GNU_SOURCE) && __ANDROID_API__ < 30
#define COMPAT_SYS_MMAN_H

#include <sys/syscall.h>
#include <unistd.h>

static inline int compat_memfd_create(const char *name, unsigned int flags)
{
	return (int)syscall(__NR_memfd_create, name, flags);
}
#define memfd_create(name, flags) compat_memfd_create(name, flags)

#endif
