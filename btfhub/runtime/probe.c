// SPDX-License-Identifier: BSD-3-Clause
/*
 * Runs probe.bpf.c in this process and in a child, and compares what it reads through the BTF with
 * what the kernel tells of them otherwise.
 *
 * The child is there for its parent: its number as the kernel knows it is this process's, which a
 * helper has told. So it is right in a PID namespace too, and nobody can change it meanwhile, as
 * happens to getppid().
 */
#define _GNU_SOURCE /* clone() */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "probe.h"
#include "probe.skel.h"
#include "runtime.h"

#ifndef ENOTSUPP
#define ENOTSUPP 524 /* the kernel's own, in no header */
#endif
#define INIT_PID_NS 0xEFFFFFFCU /* PROC_PID_INIT_INO: its inode in every kernel */
#define CHILD_STACK (16 << 10) /* bytes */
#define DEFAULT_PRIO 120 /* static_prio at nice 0, of every scheduling policy */

struct run {
	struct droidbpf_probe *skel;
	bool attached; /* the kernel cannot run it on demand: each of our syscalls does */
};

static int set_only_tgid(const struct run *run, pid_t tgid)
{
	const int map = bpf_map__fd(run->skel->maps.bss);
	const struct droidbpf_probe__bss only = { .only_tgid = tgid, .mask = -1 };
	const __u32 zero = 0;

	return bpf_map_update_elem(map, &zero, &only, BPF_ANY);
}

/* One run of the program, in this process. Only syscalls: the child of a clone() calls it, too. */
static int run_once(const struct run *run, struct droidbpf_probe__bss *found)
{
	const int map = bpf_map__fd(run->skel->maps.bss);
	const __u32 zero = 0;
	int err;

	if (run->attached) {
		err = set_only_tgid(run, syscall(SYS_getpid));
		syscall(SYS_getppid);
	} else {
		LIBBPF_OPTS(bpf_test_run_opts, opts);

		err = bpf_prog_test_run_opts(bpf_program__fd(run->skel->progs.probe), &opts);
	}
	if (!err)
		err = bpf_map_lookup_elem(map, &zero, found);
	if (!err && !found->runs)
		err = -ENODATA;
	return err;
}

/* Lets it run in this process. Kernels before 5.10 can only attach it. */
static int run_here(struct run *run, struct droidbpf_probe__bss *found)
{
	int err = run_once(run, found);
	struct stat ns;

	if (err != -EINVAL && err != -EOPNOTSUPP && err != -ENOTSUPP)
		return err;
	/* Attached it knows the process by its number, which must be the one of no namespace. */
	if (!stat("/proc/self/ns/pid", &ns) && ns.st_ino != INIT_PID_NS)
		return -EXDEV;
	err = set_only_tgid(run, getpid()) ?: droidbpf_probe__attach(run->skel);
	if (err)
		return err;
	run->attached = true;
	return run_once(run, found);
}

struct child {
	const struct run *run;
	struct droidbpf_probe__bss found;
	int err;
};

static int run_child(void *argument)
{
	struct child *child = argument;

	child->err = run_once(child->run, &child->found);
	return 0;
}

/*
 * Lets it run in a child, which no signal and no wait() of the app tells of. It has our memory,
 * while we wait for its end: copying that would take as long as all the rest.
 */
static int run_in_child(struct child *child)
{
	char stack[CHILD_STACK] __attribute__((aligned(16)));
	sigset_t all, before;
	pid_t pid;
	int err;

	/* The app's handlers are not to run in the child. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	pid = clone(run_child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK, child);
	err = pid < 0 || waitpid(pid, NULL, __WCLONE) < 0 ? -errno : child->err;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return err;
}

static int wrong(struct droidbpf_text *why, const char *field, int found, int right)
{
	droidbpf_add(why, "it is of another kernel: task_struct.%s reads %d, not %d", field, found,
		     right);
	return PROBE_WRONG;
}

/* Of this process's own run. */
static int check_self(struct droidbpf_text *why, const struct droidbpf_probe__bss *found)
{
	if (found->read_tgid != found->tgid)
		return wrong(why, "tgid", found->read_tgid, found->tgid);
	if (found->read_pid != found->pid)
		return wrong(why, "pid", found->read_pid, found->pid);
	if (strncmp(found->read_comm, found->comm, sizeof(found->comm))) {
		droidbpf_add(why, "it is of another kernel: task_struct.comm reads another name");
		return PROBE_WRONG;
	}
	return 0;
}

/* A BTF may be right but for the first fields of task_struct, which few apps read. */
static int check_static_prio(struct droidbpf_text *why, const struct droidbpf_probe__bss *found,
			     enum droidbpf_care care)
{
	int prio = DEFAULT_PRIO + getpriority(PRIO_PROCESS, 0);

	if (care == CARE_NOT || found->read_static_prio == prio)
		return 0;
	droidbpf_add(why,
		     "task_struct.static_prio reads %d, not %d: what is near it (state, flags, "
		     "cpu, prio) is in other places too",
		     found->read_static_prio, prio);
	return care == CARE_REFUSE ? PROBE_WRONG : 0;
}

static int run_and_compare(struct droidbpf_probe *skel, enum droidbpf_care care,
			   struct droidbpf_text *why)
{
	struct run run = { .skel = skel };
	struct child child = { .run = &run, .err = -EIO };
	struct droidbpf_probe__bss self = {};
	int err = run_here(&run, &self);

	if (!err && check_self(why, &self))
		return PROBE_WRONG;
	if (!err)
		err = run_in_child(&child);
	if (err == -EXDEV)
		droidbpf_add(why, "in a PID namespace a BTF can be checked from kernel 5.10 on");
	else if (err)
		droidbpf_add(why, "cannot run the probe: %s", strerror(-err));
	if (err)
		return err;
	if (child.found.read_parent_tgid != self.tgid)
		return wrong(why, "real_parent->tgid", child.found.read_parent_tgid, self.tgid);
	return check_static_prio(why, &self, care);
}

/* Gives false where a struct of the BTF has no such member, also in what is anonymous in it. */
static bool has_member(const struct btf *btf, __u32 id, const char *name, int depth)
{
	const struct btf_type *type = btf__type_by_id(btf, id);
	const struct btf_member *member;

	if (!type || !btf_is_composite(type) || depth > 8)
		return false;
	member = btf_members(type);
	for (int i = 0; i < btf_vlen(type); i++, member++) {
		const char *its = btf__name_by_offset(btf, member->name_off);

		if (its && *its ? !strcmp(its, name)
				: has_member(btf, member->type, name, depth + 1))
			return true;
	}
	return false;
}

static const char *lacking(const struct btf *btf)
{
	static const char *const fields[] = { "tgid", "pid", "static_prio", "comm", "real_parent" };
	int id = btf__find_by_name_kind(btf, "task_struct", BTF_KIND_STRUCT);

	for (unsigned int i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (id < 0 || !has_member(btf, id, fields[i], 0))
			return fields[i];
	return NULL;
}

/* Tells why the probe could not be loaded: because of the BTF, or would no BTF help? */
static int explain_load(const char *path, int err, struct droidbpf_text *why)
{
	struct btf *btf = btf__parse(path, NULL);
	int no_btf = btf ? 0 : errno;
	const char *field = btf ? lacking(btf) : NULL;
	char text[128];

	btf__free(btf);
	libbpf_strerror(no_btf, text, sizeof(text)); /* its own numbers, too */
	if (err == -EPERM || geteuid())
		droidbpf_add(why, "not permitted to load BPF programs: run it as root");
	else if (no_btf)
		droidbpf_add(why, "it is no BTF: %s", text);
	else if (field)
		droidbpf_add(why, "it lacks task_struct.%s", field);
	else
		droidbpf_add(why, "cannot load BPF programs: %s (kernel 5.2 or newer is needed)",
			     strerror(-err));
	if (err == -EPERM || geteuid())
		return -EPERM;
	return no_btf || field ? PROBE_WRONG : err;
}

int droidbpf_probe(const char *path, enum droidbpf_care care, bool verbose,
		   struct droidbpf_text *why)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = path);
	libbpf_print_fn_t print = NULL;
	struct droidbpf_probe *skel;
	int err;

	if (!verbose)
		print = libbpf_set_print(NULL);
	skel = droidbpf_probe__open_opts(&opts);
	err = skel ? droidbpf_probe__load(skel) : -errno;
	err = err ? explain_load(path, err, why) : run_and_compare(skel, care, why);
	droidbpf_probe__destroy(skel);
	if (!verbose)
		libbpf_set_print(print);
	return err;
}
