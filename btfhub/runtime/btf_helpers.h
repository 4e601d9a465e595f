/* SPDX-License-Identifier: BSD-3-Clause */
/* The interface of bcc's libbpf-tools/btf_helpers.h, so that its tools build unchanged. */
#ifndef __BTF_HELPERS_H
#define __BTF_HELPERS_H

#include <bpf/libbpf.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Sets opts->btf_custom_path by droidbpf_btf_path() if the kernel has no BTF. Returns 0, or a
 * negative errno after printing the reason to stderr.
 */
int ensure_core_btf(struct bpf_object_open_opts *opts);
void cleanup_core_btf(struct bpf_object_open_opts *opts);

#ifdef __cplusplus
}
#endif

#endif
