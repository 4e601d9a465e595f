// SPDX-License-Identifier: BSD-3-Clause
/* qsort_r() on top of qsort(): a thread-local variable passes the context. */
#define _GNU_SOURCE
#include <stdlib.h>

#if __ANDROID_API__ < 36

struct sorting {
	int (*compare)(const void *, const void *, void *);
	void *context;
};

static __thread struct sorting current;

static int compare_in_context(const void *a, const void *b)
{
	return current.compare(a, b, current.context);
}

void compat_qsort_r(void *base, size_t count, size_t size,
		    int (*compare)(const void *, const void *, void *), void *context)
{
	struct sorting outer = current; /* a comparison may sort too */

	current = (struct sorting){ compare, context };
	qsort(base, count, size, compare_in_context);
	current = outer;
}

#endif
