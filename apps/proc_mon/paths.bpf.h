/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads the paths of a task's executable and of its cgroup. Include after vmlinux.h. */
#ifndef PATHS_BPF_H
#define PATHS_BPF_H

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "proc_mon.h"

#define MAX_NAMES 32 /* in a path; of a longer one, those nearest the root */
#define MAX_STEPS 128 /* up a path, through names and mounts */
#define TEXT_LEN 512

/* What does not fit on the stack. Programs that use it never nest on one CPU. */
struct scratch {
	struct event event;
	struct rule_key key;
	const void *names[MAX_NAMES]; /* of a path, last one first; a ring */
	volatile __u32 n_names; /* volatile keeps the verifier from tracking its values */
	char text[2 * TEXT_LEN]; /* the second half only satisfies the verifier */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

static __always_inline struct scratch *get_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratches, &zero);
}

/* kernfs has a cgroup's name. Linux 6.15 renamed its parent field. */
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

static __always_inline void add_name(struct scratch *scratch, const void *name)
{
	__u32 n = scratch->n_names;

	scratch->names[n & (MAX_NAMES - 1)] = name;
	scratch->n_names = n + 1;
}

/* Joins the names into scratch->text as "/a/b/c". Returns false if it was truncated. */
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
	return n <= MAX_NAMES;
}

/*
 * Writes the path of the executable, as its mount namespace sees it, to scratch->text. Returns
 * false if it was truncated, or is empty because it is too deep.
 */
static __always_inline bool read_executable(struct scratch *scratch, const struct task_struct *task)
{
	const struct file *file = BPF_CORE_READ(task, mm, exe_file);
	const struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry), *parent;
	const void *mnt = BPF_CORE_READ(file, f_path.mnt);
	__u32 offset = bpf_core_field_offset(struct mount, mnt);

	scratch->n_names = 0;
	scratch->text[0] = 0;
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
		if (dentry ==
		    parent) { /* not below the mount's root: a memfd, which has one name */
			if (!scratch->n_names)
				add_name(scratch, BPF_CORE_READ(dentry, d_name.name));
			return join(scratch, PATH_LEN);
		}
		add_name(scratch, BPF_CORE_READ(dentry, d_name.name));
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
 * Returns the task's cgroup: that of the pids or memory controller if it is mounted as version 1
 * and the task is not in its root, otherwise that of version 2.
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

/* Reads the path of the task's cgroup into the event. Its names stay in scratch->names. */
static __always_inline void read_cgroup(struct scratch *scratch, const struct task_struct *task)
{
	const struct kernfs_node *node = cgroup_of(task), *parent;

	scratch->n_names = 0;
	for (int i = 0; i < MAX_STEPS; i++) {
		parent = parent_of(node);
		if (!parent)
			break;
		add_name(scratch, BPF_CORE_READ(node, name));
		node = parent;
	}
	join(scratch, CGROUP_LEN);
	bpf_probe_read_kernel(scratch->event.cgroup, CGROUP_LEN, scratch->text);
}

static __always_inline bool begins_with(const char *text, const char *begin, int len)
{
	for (int i = 0; i < len; i++)
		if (text[i] != begin[i])
			return false;
	return true;
}

/*
 * Returns whether exec was given an absolute path without "..". Paths below /proc (self/exe,
 * self/fd/3) and those that fexecve() makes up do not count.
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

#endif
