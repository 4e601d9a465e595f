// SPDX-License-Identifier: BSD-3-Clause
/* Does what an app does before load on a kernel without BTF, and prints how many ms it took. */
#include <stdio.h>
#include <time.h>

#include "droidbpf.h"

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

int main(void)
{
	double begin = now_ms();
	const char *path;
	int err = droidbpf_btf_path(&path, NULL, false);

	droidbpf_btf_done();
	printf("%.3f\n", now_ms() - begin);
	return err || !path;
}
