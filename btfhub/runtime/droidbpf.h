/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finds the BTF for kernels that provide none, and never a wrong one.
 *
 *	LIBBPF_OPTS(bpf_object_open_opts, opts);
 *
 *	if (droidbpf_btf_path(&opts.btf_custom_path, NULL, verbose))
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
 * Stores the value for bpf_object_open_opts.btf_custom_path in *path: the first of
 *
 * - the file named by the user, with `named` or else $DROIDBPF_BTF;
 * - NULL if the kernel provides BTF;
 * - the embedded BTF (kernels= of the build) that fits `uname -r`;
 * - the file `<uname -r>.btf` beside the program.
 *
 * A BTF that does not come from the kernel is used only if a small BPF program reads through it
 * what is known about this process. If none qualifies, the reasons and a remedy go to stderr.
 *
 * named: the argument of the app's --btf, or NULL.
 * verbose: print which BTF was chosen and why, and libbpf's messages about the probe, to stderr.
 *
 * Returns 0 or a negative errno: -ENOENT if there is no BTF, -EINVAL if there are only wrong ones,
 * -EPERM without the permission to load BPF programs, others as the kernel returns them. Not
 * thread-safe.
 */
int droidbpf_btf_path(const char **path, const char *named, bool verbose);

/* Call this once the programs are loaded or failed to load; it invalidates the path. */
void droidbpf_btf_done(void);

#ifdef __cplusplus
}
#endif

#endif
