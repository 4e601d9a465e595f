// SPDX-License-Identifier: BSD-3-Clause
/*
 * Times every syscall by the two raw_syscalls tracepoints. Kernels without FTRACE_SYSCALLS, such as
 * Android's, have no other syscall events, and only these cover 32-bit processes.
 *
 * It needs no CO-RE relocation and no helper newer than 5.8, so it loads on any kernel since, even
 * one without BTF.
 */
#define BPF_NO_PRESERVE_ACCESS_INDEX
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "syscall_mon.h"
#include "monitor.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set before load, so that the verifier removes the code of unused options. */
const volatile __u32 own_tgid; /* this monitor: never traced unless -p names it */
const volatile __u32 only_tgid; /* a single -p, which needs no map */
const volatile bool filter_syscall;
const volatile __u8 wanted[SLOTS]; /* for filter_syscall */
const volatile bool failed_only;
const volatile __u64 min_ns;
const volatile bool summarize; /* count in the map, send no events */
const volatile __u32 wakeup_events; /* events of one CPU before it wakes the reader */
const volatile __u64 pidns_dev; /* the reader's PID namespace, 0 for the initial one */
const volatile __u64 pidns_ino;

/* Calls that are not reported because `starts` was full. */
__u64 lost_starts;

struct start {
	__u64 ns; /* 0: not in a syscall */
	__u32 number;
	__u32 abi;
};

/* By thread ID. User space makes it a hash if an array for all IDs would be too large. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct start);
} starts SEC(".maps");

/* This CPU's events since it last woke the reader. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} unannounced SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct stats);
} summary SEC(".maps");

struct ids {
	__u32 tgid;
	__u32 tid;
};

/* Stores the current thread's IDs as the reader sees them. Returns false if it is not traced. */
static __always_inline bool selected(struct ids *ids)
{
	__u64 id = bpf_get_current_pid_tgid();

	ids->tgid = id >> 32;
	ids->tid = id;
	if (pidns_ino) {
		struct bpf_pidns_info info = {};

		if (bpf_get_ns_current_pid_tgid(pidns_dev, pidns_ino, &info, sizeof(info)))
			return false;
		ids->tgid = info.tgid;
		ids->tid = info.pid;
	}
	if (only_tgid)
		return ids->tgid == only_tgid;
	if (monitor_filters.tgid)
		return bpf_map_lookup_elem(&monitor_tgids, &ids->tgid);
	return ids->tgid != own_tgid;
}

/*
 * 32-bit code uses the compat table, and the saved registers, whose offsets are ABI, show which
 * code made the call. An int 0x80 in 64-bit code is mistaken for a native call.
 */
static __always_inline __u32 abi_of(const struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_arm64)
	const struct user_pt_regs *user = (const void *)regs;
	__u64 pstate = 0;

	bpf_probe_read_kernel(&pstate, sizeof(pstate), &user->pstate);
	return pstate & 0x10 ? ABI_COMPAT : ABI_NATIVE; /* PSR_MODE32_BIT */
#elif defined(__TARGET_ARCH_x86)
	__u16 cs = 0;

	bpf_probe_read_kernel(&cs, sizeof(cs), &regs->cs);
	return cs == 0x23 ? ABI_COMPAT : ABI_NATIVE; /* __USER32_CS */
#else
#error "how do the saved registers show the ABI?"
#endif
}

static __always_inline struct start *start_of(__u32 tid)
{
	struct start *start = bpf_map_lookup_elem(&starts, &tid);
	struct start fresh = {};

	if (start)
		return start;
	bpf_map_update_elem(&starts, &tid, &fresh, BPF_ANY);
	start = bpf_map_lookup_elem(&starts, &tid);
	if (!start)
		__sync_fetch_and_add(&lost_starts, 1);
	return start;
}

/* Clears the start: an array's elements cannot be deleted, those of a hash must be. */
static __always_inline void forget(__u32 tid)
{
	struct start *start = bpf_map_lookup_elem(&starts, &tid);

	if (!start)
		return;
	start->ns = 0;
	bpf_map_delete_elem(&starts, &tid);
}

SEC("raw_tp/sys_enter")
int BPF_PROG(sys_enter, struct pt_regs *regs, long number)
{
	struct start *start;
	struct ids ids;
	__u32 abi;

	if (!selected(&ids))
		return 0;
	if (monitor_filters.other && !bpf_map_lookup_elem(&monitor_others, &ids.tid))
		return 0;
	abi = abi_of(regs);
	if (filter_syscall) {
		__u32 slot = syscall_slot(abi, number);

		if (slot < SLOTS && !wanted[slot])
			return 0;
	}
	start = start_of(bpf_get_current_pid_tgid());
	if (!start)
		return 0;
	start->number = number;
	start->abi = abi;
	start->ns = bpf_ktime_get_ns();
	return 0;
}

static __always_inline void summarize_call(const struct start *start, __u64 runtime_ns, bool failed)
{
	__u32 slot = syscall_slot(start->abi, start->number);
	struct stats *stats = bpf_map_lookup_elem(&summary, &slot);

	if (stats)
		add_to_stats(stats, runtime_ns, failed);
}

/* A wake-up costs as much as many syscalls, and the reader polls anyway. */
static __always_inline __u64 wakeup_flag(void)
{
	__u32 zero = 0, *count = bpf_map_lookup_elem(&unannounced, &zero);

	if (!count || ++*count < wakeup_events)
		return BPF_RB_NO_WAKEUP;
	*count = 0;
	return BPF_RB_FORCE_WAKEUP;
}

/* Kernels differ in the upper 32 bits of a 32-bit process's result. Only errors are negative. */
static __always_inline long compat_result(long ret)
{
	return is_error((int)ret) ? (int)ret : (long)(__u32)ret;
}

SEC("raw_tp/sys_exit")
int BPF_PROG(sys_exit, struct pt_regs *regs, long ret)
{
	__u32 tid = bpf_get_current_pid_tgid();
	char comm[MONITOR_COMM_LEN] = {};
	__u64 now_ns, runtime_ns;
	struct event *event;
	struct start *start;
	struct ids ids;
	bool failed;
	__u32 uid;

	if (!selected(&ids))
		return 0;
	start = bpf_map_lookup_elem(&starts, &tid);
	if (!start || !start->ns)
		return 0;
	now_ns = bpf_ktime_get_ns();
	runtime_ns = now_ns - start->ns;
	start->ns = 0;

	if (start->abi == ABI_COMPAT)
		ret = compat_result(ret);
	failed = is_error(ret);
	if (failed_only && !failed)
		return 0;
	if (min_ns && runtime_ns < min_ns)
		return 0;

	/* Read at exit: an execve or setuid is filtered by, and shows, the new name or ID. */
	if (monitor_filters.uid || !summarize)
		uid = bpf_get_current_uid_gid();
	if (monitor_filters.uid && !bpf_map_lookup_elem(&monitor_uids, &uid))
		return 0;
	if (monitor_filters.comm || !summarize)
		bpf_get_current_comm(comm, sizeof(comm));
	if (monitor_filters.comm && !bpf_map_lookup_elem(&monitor_comms, comm))
		return 0;

	if (summarize) {
		summarize_call(start, runtime_ns, failed);
		return 0;
	}
	event = bpf_ringbuf_reserve(&monitor_events, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&monitor_lost_events, 1);
		return 0;
	}
	event->exit_ns = now_ns;
	event->runtime_ns = runtime_ns;
	event->ret = ret;
	event->tgid = ids.tgid;
	event->tid = ids.tid;
	event->uid = uid;
	event->number = start->number;
	event->abi = start->abi;
	__builtin_memcpy(event->comm, comm, sizeof(comm));
	bpf_ringbuf_submit(event, wakeup_flag());
	return 0;
}

/* A thread that calls execve becomes the first thread, so its ID changes before the exit. */
SEC("raw_tp/sched_process_exec")
int BPF_PROG(sched_process_exec, struct task_struct *task, int old_tid)
{
	__u32 tid = bpf_get_current_pid_tgid(), from = old_tid;
	struct start *old, *new;

	if (tid == from)
		return 0;
	old = bpf_map_lookup_elem(&starts, &from);
	if (!old || !old->ns)
		return 0;
	new = start_of(tid);
	if (new)
		*new = *old;
	forget(from);
	return 0;
}

/*
 * exit() never returns. Its start must not stay for the next owner of the ID: a new thread begins
 * with the sys_exit of a clone that it did not enter.
 */
SEC("raw_tp/sched_process_exit")
int BPF_PROG(sched_process_exit, struct task_struct *task)
{
	__u32 tid = bpf_get_current_pid_tgid();

	forget(tid);
	return 0;
}
