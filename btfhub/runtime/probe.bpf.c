// SPDX-License-Identifier: BSD-3-Clause
/*
 * Reads a few fields of the current task at the offsets of the BTF that it was relocated by. What a
 * helper knows too is compared with it; user space compares the rest, see probe.c.
 *
 * It has its own types, so that its object is small and asks a BTF for nothing else. It has no
 * branch but one: each costs a kernel that verifies it. What cannot be read becomes 0.
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
__u32 only_tgid;
__u32 mask; /* 0: any process */
__u32 runs;
__u32 tgid; /* as the helper tells it */
__u32 pid;
__u32 read_tgid;
__u32 read_pid;
__u32 read_parent_tgid;
__s32 read_static_prio;
char comm[COMM_LEN];
char read_comm[COMM_LEN];

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task(), *parent = 0;
	__u64 id = bpf_get_current_pid_tgid();

	(void)ctx;
	if ((id >> 32 ^ only_tgid) & mask)
		return 0;
	tgid = id >> 32;
	pid = id;
	bpf_get_current_comm(comm, sizeof(comm));
	bpf_core_read(&read_tgid, sizeof(read_tgid), &task->tgid);
	bpf_core_read(&read_pid, sizeof(read_pid), &task->pid);
	bpf_core_read(&read_static_prio, sizeof(read_static_prio), &task->static_prio);
	bpf_core_read(&read_comm, sizeof(read_comm), &task->comm);
	bpf_core_read(&parent, sizeof(parent), &task->real_parent);
	bpf_core_read(&read_parent_tgid, sizeof(read_parent_tgid), &parent->tgid);
	runs++;
	return 0;
}
