// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tells of each exec and each exit of a process, and kills what a rule denies at its exec.
 *
 * No helper newer than 5.10. All that is read of the kernel is in fields that CO-RE relocates;
 * task_struct's from state to sched_class are not among them: the BTFs that Android's BTF hub has
 * for 5.10 place those wrongly. So what is shown as the state comes from the event, not from there.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "proc_mon.h"
#include "monitor.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define SIGKILL 9
#define SIGNAL_GROUP_EXIT 4 /* linux/sched/signal.h */
#define MAX_NAMES 32 /* in a path */
#define MAX_STEPS 48 /* up a path: names and mounts */
#define TEXT_LEN 512

/* Set before the load: the verifier drops the code of what is not asked for. */
const volatile bool shown[KINDS];
const volatile bool filter_ppid;
const volatile bool deny_comms;
const volatile bool deny_paths;
const volatile bool deny_cgroups;

/* Processes whose exits are not reported: no space among the processes. */
__u64 lost_processes;

struct process {
	char path[PATH_LEN]; /* empty: not known */
};

static const struct process unknown;

/*
 * Every process, by its ID: at its exit its memory, and with it its path, is gone. Whoever takes
 * the entry out reports the exit.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct process);
} processes SEC(".maps");

/* The --deny rules, with their numbers. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct rule_key);
	__type(value, __u32);
} rules SEC(".maps");

/* What is too large for the stack. No two programs that use it run at once on a CPU. */
struct scratch {
	struct event event;
	struct rule_key key;
	const void *names[MAX_NAMES]; /* of a path, the last one first */
	volatile __u32
		n_names; /* in memory: the verifier must not follow every value it may have */
	char text[2 * TEXT_LEN]; /* TEXT_LEN are used, the rest is for the verifier */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

struct id_set ppids SEC(".maps");

/* A cgroup's name is kernfs's; its parent has another name from 6.15 on. */
struct kernfs_node___before_6_15 {
	struct kernfs_node *parent;
} __attribute__((preserve_access_index));

struct kernfs_node___since_6_15 {
	struct kernfs_node *__parent;
} __attribute__((preserve_access_index));

static __always_inline const struct kernfs_node *parent_of(const struct kernfs_node *node)
{
	const struct kernfs_node___before_6_15 *old = (const void *)node;
	const struct kernfs_node___since_6_15 *new = (const void *)node;

	if (bpf_core_field_exists(new->__parent))
		return BPF_CORE_READ(new, __parent);
	return BPF_CORE_READ(old, parent);
}

static __always_inline bool add_name(struct scratch *scratch, const void *name)
{
	__u32 n = scratch->n_names;

	if (n >= MAX_NAMES)
		return false;
	scratch->names[n & (MAX_NAMES - 1)] = name;
	scratch->n_names = n + 1;
	return true;
}

/* Writes "/a/b/c" from the names into the scratch text. False: there is no space for all. */
static __always_inline bool join(struct scratch *scratch, __u32 space)
{
	__u32 n = scratch->n_names, used = 0;

	scratch->text[0] = '/';
	scratch->text[1] = 0;
	for (__u32 i = 0; i < MAX_NAMES && i < n; i++) {
		long len;

		scratch->text[used & (TEXT_LEN - 1)] = '/';
		used++;
		len = bpf_probe_read_kernel_str(scratch->text + (used & (TEXT_LEN - 1)), PATH_LEN,
						scratch->names[(n - 1 - i) & (MAX_NAMES - 1)]);
		if (len < 1 || len > PATH_LEN)
			return false;
		used += len - 1;
		if (used >= space - 1) {
			scratch->text[space - 1] = 0;
			return false;
		}
	}
	return true;
}

/*
 * Writes the path of the executable file into the scratch text, as its mount namespace has it, up
 * through the mounts. False: it is too long.
 */
static __always_inline bool read_executable(struct scratch *scratch, const struct task_struct *task)
{
	const struct file *file = BPF_CORE_READ(task, mm, exe_file);
	const struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry), *parent;
	const void *mnt = BPF_CORE_READ(file, f_path.mnt);
	__u32 offset = bpf_core_field_offset(struct mount, mnt);

	scratch->n_names = 0;
	for (int i = 0; i < MAX_STEPS; i++) {
		const struct mount *mount = mnt - offset, *above;

		if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
			above = BPF_CORE_READ(mount, mnt_parent);
			if (above == mount)
				return join(scratch, PATH_LEN);
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mnt = (const void *)above + offset;
			continue;
		}
		parent = BPF_CORE_READ(dentry, d_parent);
		if (dentry == parent) { /* not below the mount's root: a memfd, which is alone */
			if (!scratch->n_names)
				add_name(scratch, BPF_CORE_READ(dentry, d_name.name));
			return join(scratch, PATH_LEN);
		}
		if (!add_name(scratch, BPF_CORE_READ(dentry, d_name.name)))
			return false;
		dentry = parent;
	}
	return false;
}

static __always_inline const struct cgroup *cgroup_v1(const struct css_set *set, __u32 subsys)
{
	const struct cgroup_subsys_state *const *all =
		(const void *)set + bpf_core_field_offset(set->subsys);
	const struct cgroup_subsys_state *css = NULL;

	bpf_probe_read_kernel(&css, sizeof(css), all + subsys);
	return BPF_CORE_READ(css, cgroup);
}

#define HAS_SUBSYS(name) bpf_core_enum_value_exists(enum cgroup_subsys_id, name##_cgrp_id)
#define SUBSYS(name) bpf_core_enum_value(enum cgroup_subsys_id, name##_cgrp_id)

/*
 * The task's cgroup: that of the pids or the memory controller if it is mounted as version 1 and
 * the task is not in its root; else that of version 2.
 */
static __always_inline const struct kernfs_node *cgroup_of(const struct task_struct *task)
{
	const struct css_set *set = BPF_CORE_READ(task, cgroups);
	const struct cgroup *v2 = BPF_CORE_READ(set, dfl_cgrp), *v1 = NULL;
	const struct kernfs_node *node;

	if (HAS_SUBSYS(pids)) {
		v1 = cgroup_v1(set, SUBSYS(pids));
		node = BPF_CORE_READ(v1, kn);
		if (BPF_CORE_READ(v1, root) != BPF_CORE_READ(v2, root) && parent_of(node))
			return node;
	}
	if (HAS_SUBSYS(memory)) {
		v1 = cgroup_v1(set, SUBSYS(memory));
		node = BPF_CORE_READ(v1, kn);
		if (BPF_CORE_READ(v1, root) != BPF_CORE_READ(v2, root) && parent_of(node))
			return node;
	}
	return BPF_CORE_READ(v2, kn);
}

/* Its names stay in the scratch names. */
static __always_inline void read_cgroup(struct scratch *scratch, const struct task_struct *task)
{
	const struct kernfs_node *node = cgroup_of(task), *parent;

	scratch->n_names = 0;
	for (int i = 0; i < MAX_NAMES; i++) {
		parent = parent_of(node);
		if (!parent)
			break;
		add_name(scratch, BPF_CORE_READ(node, name));
		node = parent;
	}
	join(scratch, CGROUP_LEN);
	bpf_probe_read_kernel(scratch->event.cgroup, CGROUP_LEN, scratch->text);
}

static __always_inline struct scratch *get_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratches, &zero);
}

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
	/* Without what may follow its NUL: it is a key. */
	__builtin_memset(event->comm, 0, sizeof(event->comm));
	BPF_CORE_READ_STR_INTO(&event->comm, leader, comm);
}

static __always_inline bool selected(struct event *event, enum kind kind)
{
	if (!shown[kind])
		return false;
	if (filter_tgid && !bpf_map_lookup_elem(&tgids, &event->tgid))
		return false;
	if (filter_ppid && !bpf_map_lookup_elem(&ppids, &event->ppid))
		return false;
	if (filter_uid && !bpf_map_lookup_elem(&uids, &event->uid))
		return false;
	return !filter_comm || bpf_map_lookup_elem(&comms, event->comm);
}

static __always_inline void send(const struct event *event)
{
	struct event *record = bpf_ringbuf_reserve(&events, sizeof(*record), 0);

	if (!record) {
		__sync_fetch_and_add(&lost_events, 1);
		return;
	}
	bpf_probe_read_kernel(record, sizeof(*record), event);
	bpf_ringbuf_submit(record, 0);
}

/* The number of the rule for this text, NO_RULE if there is none. */
static __always_inline __u32 find_rule(struct rule_key *key, enum subject subject, const void *text)
{
	__u32 *rule;

	key->bits = 8 * (sizeof(*key) - sizeof(key->bits));
	key->subject = subject;
	bpf_probe_read_kernel_str(key->text, sizeof(key->text), text);
	rule = bpf_map_lookup_elem(&rules, key);
	return rule ? *rule : NO_RULE;
}

/* A container's ID ends the name of its cgroup, or is before ".scope". See container.c. */
static __always_inline __u32 find_rule_for_id(struct rule_key *key, const char *name, long end)
{
	char before[4] = {};

	if (end < CONTAINER_ID_LEN)
		return NO_RULE;
	name += end - CONTAINER_ID_LEN;
	if (end >=
	    CONTAINER_ID_LEN + sizeof(before)) /* that is not the ID of what a conmon is for */
		bpf_probe_read_kernel(before, sizeof(before), name - sizeof(before));
	if (before[0] == 'm' && before[1] == 'o' && before[2] == 'n' && before[3] == '-')
		return NO_RULE;
	return find_rule(key, SUBJECT_CONTAINER, name);
}

/* After read_cgroup(). */
static __always_inline __u32 find_rule_for_cgroup(struct scratch *scratch)
{
	__u32 n = scratch->n_names;
	__u32 rule = find_rule(&scratch->key, SUBJECT_CGROUP, scratch->event.cgroup);

	for (__u32 i = 0; i < MAX_NAMES && i < n && rule == NO_RULE; i++) {
		const char *name = scratch->names[i & (MAX_NAMES - 1)];
		long len = bpf_probe_read_kernel_str(scratch->text, PATH_LEN, name) - 1;

		rule = find_rule(&scratch->key, SUBJECT_CGROUP_NAME, name);
		if (rule == NO_RULE)
			rule = find_rule_for_id(&scratch->key, name, len);
		if (rule == NO_RULE)
			rule = find_rule_for_id(&scratch->key, name,
						len - (long)sizeof(".scope") + 1);
	}
	return rule;
}

static __always_inline bool begins_with(const char *text, const char *begin, int len)
{
	for (int i = 0; i < len; i++)
		if (text[i] != begin[i])
			return false;
	return true;
}

/*
 * Whether what exec was given is the path of a file from the root. It is not if it goes through
 * /proc (self/exe, self/fd/3), what fexecve makes up, or up again.
 */
static __always_inline bool is_plain(const char *path)
{
	if (path[0] != '/' || begins_with(path, "/proc/", 6) || begins_with(path, "/dev/fd/", 8))
		return false;
	for (int i = 0; i < PATH_LEN - 2 && path[i]; i++)
		if (begins_with(path + i, "/..", 3))
			return false;
	return true;
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
	if ((!plain || deny_paths) && read_executable(scratch, task)) {
		if (deny_paths && rule == NO_RULE)
			rule = find_rule(&scratch->key, SUBJECT_PATH, scratch->text);
		/* A plain one stays: the file may be one for many commands, as toybox is. */
		if (!plain)
			bpf_probe_read_kernel(event->path, sizeof(event->path), scratch->text);
	}
	if (bpf_map_update_elem(&processes, &tgid, event->path, BPF_ANY))
		__sync_fetch_and_add(&lost_processes, 1);

	read_cgroup(scratch, task);
	if (deny_cgroups && rule == NO_RULE)
		rule = find_rule_for_cgroup(scratch);
	/* Without its first process the kernel panics. */
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

/* A child runs its parent's program until it calls exec; an app of Android never does. */
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
 * A process ends with the last of its threads, which need not be the first. Several that end at
 * once may all see that none lives: the one that takes the process's entry reports.
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
	/* As wait_task_zombie() of kernel/exit.c has it. */
	if (BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT)
		event->status = BPF_CORE_READ(signal, group_exit_code);
	else
		event->status = BPF_CORE_READ(task, group_leader, exit_code);
	read_cgroup(scratch, task);
	send(event);
	return 0;
}
