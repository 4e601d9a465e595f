// SPDX-License-Identifier: BSD-3-Clause
/* Uses what bionic gained at later API levels or lacks. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int nested;

static int descending(const void *a, const void *b, void *context)
{
	int one[] = { 1, 2 }, comparisons;

	if (!nested++) {
		qsort_r(one, 2, sizeof(*one), descending, &comparisons);
		printf("nested %d %d\n", one[0], one[1]);
	}
	++*(int *)context;
	return *(const int *)b - *(const int *)a;
}

int main(void)
{
	int numbers[] = { 3, 1, 4, 1, 5, 9, 2, 6 }, comparisons = 0, file;
	size_t half = SIZE_MAX / 2 + 1; /* volatile below: no compiler warning */
	volatile size_t size = half;
	struct statx status;
	void *room;

	printf("%s %s\n", program_invocation_name, program_invocation_short_name);
	qsort_r(numbers, 8, sizeof(*numbers), descending, &comparisons);
	for (int i = 0; i < 8; i++)
		printf("%d ", numbers[i]);
	printf("%s\n", comparisons >= 7 ? "compared" : "not compared");
	errno = 0;
	room = reallocarray(NULL, size, 2);
	printf("%p %s\n", room, strerror(errno));
	room = reallocarray(NULL, 5, 4);
	printf("%s\n", room ? "room" : "no room");
	free(room);
	file = memfd_create("compat", MFD_CLOEXEC);
	printf("%d %zd %d\n", file >= 0, write(file, "12345", 5), fcntl(file, F_GETFD));
	printf("%d ", statx(file, "", AT_EMPTY_PATH, STATX_SIZE, &status));
	printf("%llu\n", (unsigned long long)status.stx_size);
	printf("%d ", statx(-1, "nowhere", 0, STATX_SIZE, &status));
	printf("%s\n", strerror(errno));
	return 0;
}
