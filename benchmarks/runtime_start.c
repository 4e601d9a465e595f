// SPDX-License-Identifier: BSD-3-Clause
/*
 * A start of an app on a kernel without BTF, measured: `runtime_start` asks btfhub/runtime for the
 * BTF, `runtime_start FILE` knows it. Prints the ms of that, and of the load of its BPF programs.
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include <bpf/libbpf.h>

#include "droidbpf.h"
#include "probe.skel.h" /* an object with CO-RE relocations, as good as any */

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	double begin, chosen, loaded, ended;
	struct droidbpf_probe *skel;
	int err = 0;

	(void)argc;
	opts.btf_custom_path = argv[1];
	begin = now_ms();
	if (!opts.btf_custom_path)
		err = droidbpf_btf_path(&opts.btf_custom_path, NULL, false);
	if (err)
		return 1;
	chosen = now_ms();
	skel = droidbpf_probe__open_opts(&opts);
	err = skel ? droidbpf_probe__load(skel) : -errno;
	loaded = now_ms();
	if (err)
		return 1;
	droidbpf_btf_done();
	ended = now_ms();
	printf("%.3f %.3f\n", chosen - begin + ended - loaded, loaded - chosen);
	droidbpf_probe__destroy(skel);
	return 0;
}
