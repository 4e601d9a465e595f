/* SPDX-License-Identifier: BSD-3-Clause */
/* The probe's program and its results. */
#ifndef DROIDBPF_PROBE_H
#define DROIDBPF_PROBE_H

#include <stdint.h>

#include <linux/bpf.h>

#define COMM_LEN 16 /* TASK_COMM_LEN */
#define PROBE_INSNS 80 /* at most */

/* The fields of task_struct that it reads. */
enum probe_field {
	FIELD_TGID,
	FIELD_PID,
	FIELD_COMM,
	FIELD_REAL_PARENT,
	FIELD_TIMER_SLACK,
	FIELD_STATIC_PRIO,
	N_FIELDS,
};

/* The value of its map: what helpers return for the current task, and what it reads by the BTF. */
struct probe_found {
	uint64_t tgid_pid; /* tgid << 32 | pid, in the initial namespace */
	char comm[COMM_LEN];
	uint32_t read_tgid;
	uint32_t read_pid;
	char read_comm[COMM_LEN];
	uint64_t read_parent; /* its address */
	uint64_t read_timer_slack; /* ns */
	uint32_t read_parent_tgid;
	int32_t read_static_prio;
	uint32_t runs;
	uint32_t only_tgid; /* if it is not 0, as while attached: ignore other processes */
};

struct droidbpf_text;

/* Stores the fields' offsets in bytes. Returns 0, or PROBE_WRONG with the reason in `why`. */
int droidbpf_find_fields(const char *path, uint32_t *offsets, struct droidbpf_text *why);

/* Returns the number of instructions. */
int droidbpf_assemble(struct bpf_insn *code, int map, const uint32_t *offsets);

#endif
