// SPDX-License-Identifier: BSD-3-Clause
/*
 * Has bpftool keep the fields of task_struct that fields.c looks up: this object's relocations ask
 * for them when a BTF is minimized. It is never loaded; see assemble.c.
 */
#define SEC(name) __attribute__((section(name), used))
#define EXISTS 2 /* BPF_FIELD_EXISTS of <bpf/bpf_core_read.h> */

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct task_struct {
	int static_prio;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	char comm[16];
	unsigned long long timer_slack_ns;
} __attribute__((preserve_access_index));

SEC("raw_tp/sys_enter")
int probe(struct task_struct *task)
{
	return __builtin_preserve_field_info(task->tgid, EXISTS) +
	       __builtin_preserve_field_info(task->pid, EXISTS) +
	       __builtin_preserve_field_info(task->comm, EXISTS) +
	       __builtin_preserve_field_info(task->real_parent, EXISTS) +
	       __builtin_preserve_field_info(task->timer_slack_ns, EXISTS) +
	       __builtin_preserve_field_info(task->static_prio, EXISTS);
}
