/* SPDX-License-Identifier: BSD-3-Clause */
/* What probe.bpf.c and probe.c share. */
#ifndef DROIDBPF_PROBE_H
#define DROIDBPF_PROBE_H

#define COMM_LEN 16 /* TASK_COMM_LEN */

#endif
