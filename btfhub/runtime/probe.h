/* SPDX-License-Identifier: BSD-3-Clause */
/* The probe's program, and what it finds. */
#ifndef DROIDBPF_PROBE_H
#define DROIDBPF_PROBE_H

#include <stdbool.h>
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

/* The value of its map: what helpers tell of the current task, and what it reads by the BTF. */
struct probe_found {
	uint64_t tgid_pid; /* tgid << 32 | pid, outside of all namespaces */
	char comm[COMM_LEN];
	uint32_t read_tgid;
	uint32_t read_pid;
	char read_comm[COMM_LEN];
	uint64_t read_parent; /* its address */
	uint64_t read_timer_slack; /* ns */
	uint32_t read_parent_tgid;
	int32_t read_static_prio;
	uint32_t runs;
	uint32_t only_tgid; /* where it is attached: no other process's syscalls count */
};

struct droidbpf_text;

/* Gives the offsets of the fields, in bytes: 0, or PROBE_WRONG with the reason in `why`. */
int droidbpf_find_fields(const char *path, uint32_t *offsets, struct droidbpf_text *why);

/* Gives the number of instructions. only_tgid: the map tells of which process it reads. */
int droidbpf_assemble(struct bpf_insn *code, int map, const uint32_t *offsets, bool only_tgid);

#endif
