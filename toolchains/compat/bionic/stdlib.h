/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bionic's stdlib.h with functions that it gained at later API levels, declared where glibc
 * declares them. Macros rename them, because libc.a defines them at every level, and bionic
 * declares them too with __ANDROID_UNAVAILABLE_SYMBOLS_ARE_WEAK__.
 */
#include_next <stdlib.h>

#ifndef COMPAT_STDLIB_H
#define COMPAT_STDLIB_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_GNU_SOURCE) && __ANDROID_API__ < 36
void compat_qsort_r(void *base, size_t count, size_t size,
		    int (*compare)(const void *, const void *, void *), void *context);
#define qsort_r(base, count, size, compare, context)                                               \
	compat_qsort_r(base, count, size, compare, context)
#endif

#if __ANDROID_API__ < 29
#include <errno.h>

static inline void *compat_reallocarray(void *old, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, bytes);
}
#define reallocarray(old, count, size) compat_reallocarray(old, count, size)
#endif

#ifdef __cplusplus
}
#endif

#endif
