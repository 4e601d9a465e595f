/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finds the BTF for kernels that have none of their own, and never a wrong one.
 *
 *	LIBBPF_OPTS(bpf_object_open_opts, opts);
 *
 *	if (droidbpf_btf_path(&opts.btf_custom_path, NULL, env.verbose))
 *		return 1;
 *	skel = app_bpf__open_opts(&opts);
 *	err = app_bpf__load(skel);
 *	droidbpf_btf_done();
 */
#ifndef DROIDBPF_H
#define DROIDBPF_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Gives the value for bpf_object_open_opts.btf_custom_path. In this order it takes
 *
 * - the file that the user names: by `named`, else by $DROIDBPF_BTF;
 * - NULL where the kernel has BTF itself;
 * - the embedded BTF (kernels= of the build) that fits `uname -r`;
 * - the file `<uname -r>.btf` beside the program.
 *
 * A BTF that is not the kernel's own is taken only when a small BPF program finds through it what
 * is known of this process. Where all are refused, stderr tells why, and what to do.
 *
 * named: the argument of the app's --btf, or NULL.
 * verbose: tell on stderr which BTF was taken, and why; let libbpf tell of the probe.
 *
 * Gives 0, or a negative errno: -ENOENT there is none, -EINVAL there are only wrong ones, -EPERM
 * no permission to load BPF programs, others as the kernel gives them. No thread may call it while
 * another does.
 */
int droidbpf_btf_path(const char **path, const char *named, bool verbose);

/* To be called when the programs are loaded, or failed to: the path is good no longer. */
void droidbpf_btf_done(void);

#ifdef __cplusplus
}
#endif

#endif
