// SPDX-License-Identifier: BSD-3-Clause
/*
 * Runs a program, in this process and in a child, that reads a few fields of the current task at
 * the offsets in the BTF, and compares them with what is known about both processes.
 *
 * The child checks real_parent: it must be this process, whose kernel-wide ID a helper returned.
 * That holds in a PID namespace too, and unlike getppid() cannot change meanwhile. The child also
 * sets its timer slack to a value found nowhere else. That is one of the last fields of
 * task_struct, so the fields between it and comm (signal, cgroups, nsproxy …) are right too.
 */
#define _GNU_SOURCE /* clone() */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "probe.h"
#include "runtime.h"

#ifndef ENOTSUPP
#define ENOTSUPP 524 /* kernel-internal, in no header */
#endif
#define INIT_PID_NS 0xEFFFFFFCU /* PROC_PID_INIT_INO: the same inode in every kernel */
#define CHILD_STACK (16 << 10) /* bytes */
#define TIMER_SLACK 0xd01dbf /* ns: 14 ms; an unusual value */
#define DEFAULT_PRIO 120 /* static_prio at nice 0, under every scheduling policy */

void droidbpf_add(struct droidbpf_text *text, const char *format, ...)
{
	size_t left = sizeof(text->text) - text->size;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text->text + text->size, left, format, args);
	va_end(args);
	if (n > 0)
		text->size += (size_t)n < left ? (size_t)n : left - 1;
}

struct probe {
	uint32_t offsets[N_FIELDS];
	int map, program;
	int link; /* attached, if the kernel cannot run it on demand; else -1 */
};

static int load(struct probe *probe)
{
	struct bpf_insn code[PROBE_INSNS];
	int n = droidbpf_assemble(code, probe->map, probe->offsets);

	probe->program =
		bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, NULL, "Dual BSD/GPL", code, n, NULL);
	return probe->program < 0 ? probe->program : 0;
}

/* Runs the program once in this process. Only makes syscalls: the child of clone() calls it too. */
static int run_once(const struct probe *probe, struct probe_found *found)
{
	const uint32_t zero = 0;
	int err;

	if (probe->link >= 0) {
		const struct probe_found only = { .only_tgid = syscall(SYS_getpid) };

		err = bpf_map_update_elem(probe->map, &zero, &only, BPF_ANY);
		syscall(SYS_getppid);
	} else {
		LIBBPF_OPTS(bpf_test_run_opts, opts);

		err = bpf_prog_test_run_opts(probe->program, &opts);
	}
	if (!err)
		err = bpf_map_lookup_elem(probe->map, &zero, found);
	if (!err && !found->runs)
		err = -ENODATA;
	return err;
}

/* Runs the program in this process. Kernels before 5.10 can only attach it. */
static int run_here(struct probe *probe, struct probe_found *found)
{
	int err = run_once(probe, found);
	struct stat ns;

	if (err != -EINVAL && err != -EOPNOTSUPP && err != -ENOTSUPP)
		return err;
	/* Once attached, it selects this process by ID, which must not be a namespace's. */
	if (!stat("/proc/self/ns/pid", &ns) && ns.st_ino != INIT_PID_NS)
		return -EXDEV;
	probe->link = bpf_raw_tracepoint_open("sys_enter", probe->program);
	return probe->link < 0 ? probe->link : run_once(probe, found);
}

struct child {
	const struct probe *probe;
	struct probe_found found;
	long timer_slack; /* ns; negative if prctl() is not permitted */
	int err;
};

static int run_child(void *argument)
{
	struct child *child = argument;

	/* Under a real-time policy it stays 0 from Linux 6.12 on. */
	syscall(SYS_prctl, PR_SET_TIMERSLACK, TIMER_SLACK);
	child->timer_slack = syscall(SYS_prctl, PR_GET_TIMERSLACK);
	child->err = run_once(child->probe, &child->found);
	return 0;
}

/*
 * Runs the program in a child that the app does not notice: its end sends no signal, and wait()
 * does not return it. It shares our memory while we wait, as copying would take as long as all the
 * rest.
 */
static int run_in_child(struct child *child)
{
	char stack[CHILD_STACK] __attribute__((aligned(16)));
	sigset_t all, before;
	pid_t pid;
	int err;

	/* The app's signal handlers must not run in the child. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	pid = clone(run_child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK, child);
	err = pid < 0 ? -errno : child->err;
	if (pid > 0) /* it has ended; another thread may already have waited for it */
		waitpid(pid, NULL, __WCLONE);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return err;
}

static int reject(struct droidbpf_text *why, const char *field, int found, int right)
{
	droidbpf_add(why, "it is for another kernel: task_struct.%s reads %d, not %d", field, found,
		     right);
	return PROBE_WRONG;
}

/* Checks what the program read in this process. */
static int check_self(struct droidbpf_text *why, const struct probe_found *found)
{
	if (found->read_tgid != found->tgid_pid >> 32)
		return reject(why, "tgid", found->read_tgid, found->tgid_pid >> 32);
	if (found->read_pid != (uint32_t)found->tgid_pid)
		return reject(why, "pid", found->read_pid, found->tgid_pid);
	if (strncmp(found->read_comm, found->comm, COMM_LEN)) {
		droidbpf_add(why, "it is for another kernel: task_struct.comm reads another name");
		return PROBE_WRONG;
	}
	return 0;
}

/* A BTF may be right except for the first fields of task_struct, which few apps read. */
static int check_static_prio(struct droidbpf_text *why, const struct probe_found *found,
			     enum droidbpf_care care)
{
	int prio = DEFAULT_PRIO + getpriority(PRIO_PROCESS, 0);

	if (care == CARE_NOT || found->read_static_prio == prio)
		return 0;
	droidbpf_add(why,
		     "task_struct.static_prio reads %d, not %d: the fields near it (state, flags, "
		     "cpu, prio) are misplaced too",
		     found->read_static_prio, prio);
	return care == CARE_REFUSE ? PROBE_WRONG : 0;
}

static int run_and_compare(struct probe *probe, enum droidbpf_care care, struct droidbpf_text *why)
{
	struct child child = { .probe = probe, .err = -EIO };
	struct probe_found self = {};
	int err = run_here(probe, &self);

	if (!err && check_self(why, &self))
		return PROBE_WRONG;
	if (!err)
		err = run_in_child(&child);
	if (err == -EXDEV)
		droidbpf_add(why,
			     "checking a BTF in a PID namespace requires kernel 5.10 or newer");
	else if (err)
		droidbpf_add(why, "cannot run the probe: %s", strerror(-err));
	if (err)
		return err;
	if (child.found.read_parent_tgid != self.tgid_pid >> 32)
		return reject(why, "real_parent->tgid", child.found.read_parent_tgid,
			      self.tgid_pid >> 32);
	if (child.timer_slack >= 0 && child.found.read_timer_slack != (uint64_t)child.timer_slack)
		return reject(why, "timer_slack_ns", child.found.read_timer_slack,
			      child.timer_slack);
	return check_static_prio(why, &self, care);
}

static int explain_load(int err, struct droidbpf_text *why)
{
	if (err == -EPERM || geteuid()) {
		droidbpf_add(why, "not permitted to load BPF programs: run it as root");
		return -EPERM;
	}
	droidbpf_add(why, "cannot load BPF programs: %s%s", strerror(-err),
		     err == -EINVAL ? " (kernel 5.2 or newer is required)" : "");
	return err;
}

static int probe_quietly(const char *path, enum droidbpf_care care, struct droidbpf_text *why)
{
	struct probe probe = { .map = -1, .program = -1, .link = -1 };
	int err = droidbpf_find_fields(path, probe.offsets, why);

	if (err)
		return err;
	probe.map = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, sizeof(uint32_t),
				   sizeof(struct probe_found), 1, NULL);
	err = probe.map < 0 ? probe.map : load(&probe);
	err = err ? explain_load(err, why) : run_and_compare(&probe, care, why);
	if (probe.link >= 0)
		close(probe.link);
	if (probe.program >= 0)
		close(probe.program);
	if (probe.map >= 0)
		close(probe.map);
	return err;
}

int droidbpf_probe(const char *path, enum droidbpf_care care, bool verbose,
		   struct droidbpf_text *why)
{
	libbpf_print_fn_t print = NULL;
	int err;

	if (!verbose)
		print = libbpf_set_print(NULL);
	err = probe_quietly(path, care, why);
	if (!verbose)
		libbpf_set_print(print);
	return err;
}
