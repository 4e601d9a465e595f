/* SPDX-License-Identifier: BSD-3-Clause */
/* What probe.bpf.c and probe.c share. */
#ifndef DROIDBPF_PROBE_H
#define DROIDBPF_PROBE_H

#define COMM_LEN 16 /* TASK_COMM_LEN */

/* The fields of task_struct that the probe reads. */
enum field { FIELD_tgid, FIELD_pid, FIELD_static_prio, FIELD_comm, FIELD_real_parent };
#define FIELD_NAMES                                                                                \
	{                                                                                          \
		"tgid", "pid", "static_prio", "comm", "real_parent"                                \
	}

#endif
