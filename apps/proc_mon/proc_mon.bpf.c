// SPDX-License-Identifier: BSD-3-Clause
/*
 * Reports each exec and each exit of a process, and kills what a rule denies at exec.
 *
 * It uses no helper newer than 5.10, and reads the kernel only through CO-RE relocations. It reads
 * none of task_struct's fields from state to sched_class: the BTFs in Android's BTF hub for 5.10
 * misplace them. That is why the state shown is derived from the event.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "proc_mon.h"
#include "monitor.bpf.h"
#include "paths.bpf.h"
#include "rules.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define SIGKILL 9
#define SIGNAL_GROUP_EXIT 4 /* linux/sched/signal.h */

/* Set before load, so that the verifier removes the code of unused options. */
const volatile bool shown[KINDS];
const volatile bool deny_comms;
const volatile bool deny_paths;
const volatile bool deny_cgroups;

/* Processes whose exits are not reported because `processes` was full. */
__u64 lost_processes;

struct process {
	char path[PATH_LEN]; /* empty: unknown */
};

static const struct process unknown;

/*
 * Every process by its ID. A process's path is gone with its memory when it exits, so it is kept
 * here. Whoever deletes the entry reports the exit.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct process);
} processes SEC(".maps");

static __always_inline void describe(struct event *event, enum kind kind,
				     const struct task_struct *task)
{
	const struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	__u64 uid_gid = bpf_get_current_uid_gid();

	event->ns = bpf_ktime_get_ns();
	event->start_ns = BPF_CORE_READ(leader, start_time);
	event->kind = kind;
	event->tgid = bpf_get_current_pid_tgid() >> 32;
	event->ppid = BPF_CORE_READ(task, real_parent, tgid);
	event->uid = uid_gid;
	event->gid = uid_gid >> 32;
	event->status = 0;
	event->rule = NO_RULE;
	event->error = 0;
	/* Clear the bytes after the NUL: it is a map key. */
	__builtin_memset(event->comm, 0, sizeof(event->comm));
	BPF_CORE_READ_STR_INTO(&event->comm, leader, comm);
}

static __always_inline bool selected(struct event *event, enum kind kind)
{
	if (!shown[kind])
		return false;
	if (monitor_filters.tgid && !bpf_map_lookup_elem(&monitor_tgids, &event->tgid))
		return false;
	if (monitor_filters.other && !bpf_map_lookup_elem(&monitor_others, &event->ppid))
		return false;
	if (monitor_filters.uid && !bpf_map_lookup_elem(&monitor_uids, &event->uid))
		return false;
	return !monitor_filters.comm || bpf_map_lookup_elem(&monitor_comms, event->comm);
}

static __always_inline void send(const struct event *event)
{
	struct event *record = bpf_ringbuf_reserve(&monitor_events, sizeof(*record), 0);

	if (!record) {
		__sync_fetch_and_add(&monitor_lost_events, 1);
		return;
	}
	bpf_probe_read_kernel(record, sizeof(*record), event);
	bpf_ringbuf_submit(record, 0);
}

SEC("tp/sched/sched_process_exec")
int on_exec(struct trace_event_raw_sched_process_exec *ctx)
{
	const struct task_struct *task = (const void *)bpf_get_current_task();
	struct scratch *scratch = get_scratch();
	__u32 rule = NO_RULE, tgid;
	struct event *event;
	bool plain;

	if (!scratch)
		return 0;
	event = &scratch->event;
	describe(event, KIND_EXEC, task);
	tgid = event->tgid;
	bpf_probe_read_kernel_str(event->path, sizeof(event->path),
				  (void *)ctx + (ctx->__data_loc_filename & 0xffff));
	if (deny_comms)
		rule = find_rule(&scratch->key, SUBJECT_COMM, event->comm);
	plain = is_plain(event->path);
	if (deny_paths && plain && rule == NO_RULE)
		rule = find_rule(&scratch->key, SUBJECT_PATH, event->path);
	if (!plain || deny_paths) {
		bool whole = read_executable(scratch, task);

		/* The folders of a truncated path are still known. */
		if (deny_paths && rule == NO_RULE)
			rule = find_rule(&scratch->key, SUBJECT_PATH, scratch->text);
		/* Keep a plain path: one executable may be many commands, as toybox is. */
		if (!plain && whole)
			bpf_probe_read_kernel(event->path, sizeof(event->path), scratch->text);
	}
	if (bpf_map_update_elem(&processes, &tgid, event->path, BPF_ANY))
		__sync_fetch_and_add(&lost_processes, 1);

	read_cgroup(scratch, task);
	if (deny_cgroups && rule == NO_RULE)
		rule = find_rule_for_cgroup(scratch);
	/* The kernel panics if process 1 dies. */
	if (rule != NO_RULE && tgid != 1) {
		event->kind = KIND_DENY;
		event->rule = rule;
		event->error = bpf_send_signal(SIGKILL);
		if (shown[KIND_DENY])
			send(event);
	} else if (selected(event, KIND_EXEC)) {
		send(event);
	}
	return 0;
}

/* A child runs its parent's program until it calls exec, which Android's apps never do. */
SEC("raw_tp/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 from = bpf_get_current_pid_tgid() >> 32, tgid = BPF_CORE_READ(child, tgid);
	const struct process *process;

	if (tgid != BPF_CORE_READ(child, pid)) /* a thread */
		return 0;
	process = bpf_map_lookup_elem(&processes, &from);
	if (bpf_map_update_elem(&processes, &tgid, process ?: &unknown, BPF_ANY))
		__sync_fetch_and_add(&lost_processes, 1);
	return 0;
}

/*
 * A process ends with its last thread, which need not be the first one. Threads that exit together
 * may all see that none is left: the one that deletes the process's entry reports the exit.
 */
SEC("tp/sched/sched_process_exit")
int on_exit(void *ctx)
{
	const struct task_struct *task = (const void *)bpf_get_current_task();
	const struct signal_struct *signal = BPF_CORE_READ(task, signal);
	struct scratch *scratch = get_scratch();
	const struct process *process;
	struct event *event;
	__u32 tgid;

	if (!scratch || BPF_CORE_READ(signal, live.counter) > 0)
		return 0;
	event = &scratch->event;
	describe(event, KIND_EXIT, task);
	tgid = event->tgid;
	process = bpf_map_lookup_elem(&processes, &tgid);
	if (!process)
		return 0;
	bpf_probe_read_kernel(event->path, sizeof(event->path), process->path);
	if (bpf_map_delete_elem(&processes, &tgid) || !selected(event, KIND_EXIT))
		return 0;
	/* As wait_task_zombie() in kernel/exit.c does. */
	if (BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT)
		event->status = BPF_CORE_READ(signal, group_exit_code);
	else
		event->status = BPF_CORE_READ(task, group_leader, exit_code);
	read_cgroup(scratch, task);
	send(event);
	return 0;
}
