// SPDX-License-Identifier: BSD-3-Clause
/* Defines functions whose names are reserved only under _GNU_SOURCE. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

static const char program_invocation_name[] = "own";

static int qsort_r(int number)
{
	return number + 1;
}

static int memfd_create(const char *name, unsigned int flags)
{
	return *name + (int)flags;
}

static int statx(int number)
{
	return number + 2;
}

int main(void)
{
	printf("%s %d %d %d\n", program_invocation_name, qsort_r(1), memfd_create("\1", 2),
	       statx(2));
	return 0;
}
