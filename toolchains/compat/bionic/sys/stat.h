/* SPDX-License-Identifier: BSD-3-Clause */
/* bionic's sys/stat.h with statx(), which it has since API level 30. */
#include_next <sys/stat.h>

#if !defined(COMPAT_SYS_STAT_H) && defined(_GNU_SOURCE) && __ANDROID_API__ < 30
#define COMPAT_SYS_STAT_H

#include <sys/syscall.h>
#include <unistd.h>

static inline int compat_statx(int dir, const char *path, int flags, unsigned int mask,
			       struct statx *status)
{
	return (int)syscall(__NR_statx, dir, path, flags, mask, status);
}
#define statx(dir, path, flags, mask, status) compat_statx(dir, path, flags, mask, status)

#endif
