// SPDX-License-Identifier: BSD-3-Clause
/*
 * Reads a few fields of the current task at the offsets of the BTF that it was relocated by. What a
 * helper knows too is compared with it; user space compares the rest, see probe.c.
 *
 * It has its own types, so that its object is small and asks a BTF for nothing else.
 */
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed int __s32;
typedef signed long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "probe.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct task_struct {
	int static_prio;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	char comm[COMM_LEN];
} __attribute__((preserve_access_index));

/* One variable each, as bpftool does not repeat a struct's definition in the skeleton. */
__u32 only_tgid; /* 0: any */
__u32 runs;
__u32 lacking; /* 1 << enum field */
__u32 tgid; /* as the helper tells it */
__u32 pid;
__u32 read_tgid;
__u32 read_pid;
__u32 read_parent_tgid;
__s32 read_static_prio;
char comm[COMM_LEN];
char read_comm[COMM_LEN];

#define READ(field, task, to)                                                                      \
	({                                                                                         \
		if (bpf_core_field_exists((task)->field))                                          \
			bpf_core_read(to, sizeof(*(to)), &(task)->field);                          \
		else                                                                               \
			lacking |= 1 << FIELD_##field;                                             \
	})

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task(), *parent = 0;
	__u64 id = bpf_get_current_pid_tgid();

	(void)ctx;
	if (only_tgid && only_tgid != id >> 32)
		return 0;
	tgid = id >> 32;
	pid = id;
	bpf_get_current_comm(comm, sizeof(comm));
	lacking = 0;
	READ(tgid, task, &read_tgid);
	READ(pid, task, &read_pid);
	READ(static_prio, task, &read_static_prio);
	READ(comm, task, &read_comm);
	READ(real_parent, task, &parent);
	read_parent_tgid = 0;
	if (parent)
		READ(tgid, parent, &read_parent_tgid);

	runs++;
	return 0;
}
