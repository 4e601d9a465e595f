// SPDX-License-Identifier: BSD-3-Clause
/*
 * Runs probe.bpf.c in this process and in a child, and compares what it reads through the BTF with
 * what the kernel tells of them otherwise.
 *
 * The child is there for its parent: its number as the kernel knows it is this process's, which a
 * helper has told. So it is right in a PID namespace too, and nobody can change it meanwhile, as
 * happens to getppid().
 */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "probe.h"
#include "probe.skel.h"
#include "runtime.h"

#define ENOTSUPP 524 /* the kernel's own, in no header */
#define INIT_PID_NS 0xEFFFFFFCU /* PROC_PID_INIT_INO: its inode in every kernel */
#define DEFAULT_PRIO 120 /* static_prio at nice 0, of every scheduling policy */

struct run {
	struct droidbpf_probe *skel;
	bool attached; /* the kernel cannot run it on demand: each of our syscalls does */
};

static int set_only_tgid(const struct run *run, pid_t tgid)
{
	const int map = bpf_map__fd(run->skel->maps.bss);
	const struct droidbpf_probe__bss only = { .only_tgid = tgid };
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
		return err;
	err = set_only_tgid(run, getpid()) ?: droidbpf_probe__attach(run->skel);
	if (err)
		return err;
	run->attached = true;
	return run_once(run, found);
}

/* Lets it run in a child, which no signal and no wait() of the app tells of. */
static int run_in_child(const struct run *run, struct droidbpf_probe__bss *found)
{
	const int map = bpf_map__fd(run->skel->maps.bss);
	const __u32 zero = 0;
	int status;
	pid_t pid = syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);

	if (pid < 0)
		return -errno;
	if (!pid)
		_exit(run_once(run, found) != 0);
	while (waitpid(pid, &status, __WCLONE) < 0)
		if (errno != EINTR)
			return -errno;
	if (status)
		return -EIO;
	return bpf_map_lookup_elem(map, &zero, found);
}

static int wrong(struct droidbpf_text *why, const char *field, int found, int right)
{
	droidbpf_add(why, "it is of another kernel: task_struct.%s reads %d, not %d", field,
		     found, right);
	return PROBE_WRONG;
}

/* Of this process's own run. */
static int check_self(struct droidbpf_text *why, const struct droidbpf_probe__bss *found)
{
	static const char *const fields[] = FIELD_NAMES;

	for (unsigned int i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (i != FIELD_static_prio && found->lacking & 1U << i) {
			droidbpf_add(why, "it lacks task_struct.%s", fields[i]);
			return PROBE_WRONG;
		}
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

	if (care == CARE_NOT || (found->read_static_prio == prio && !found->lacking))
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
	struct droidbpf_probe__bss self = {}, child = {};
	struct run run = { .skel = skel };
	int err = run_here(&run, &self);

	if (!err && check_self(why, &self))
		return PROBE_WRONG;
	if (!err)
		err = run_in_child(&run, &child);
	if (err) {
		droidbpf_add(why, "cannot run the probe: %s", strerror(-err));
		return err;
	}
	if (child.read_parent_tgid != self.tgid)
		return wrong(why, "real_parent->tgid", child.read_parent_tgid, self.tgid);
	return check_static_prio(why, &self, care);
}

/* Tells why the probe could not be loaded: because of the BTF, or would no BTF help? */
static int explain_load(const char *path, int err, struct droidbpf_text *why)
{
	struct btf *btf;

	if (err == -EPERM || geteuid()) {
		droidbpf_add(why, "not permitted to load BPF programs: run it as root");
		return -EPERM;
	}
	btf = btf__parse(path, NULL);
	if (!btf) {
		droidbpf_add(why, "it is no BTF: %s", strerror(errno));
		return PROBE_WRONG;
	}
	btf__free(btf);
	if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_RAW_TRACEPOINT, NULL) == 1 &&
	    libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_FUNC_get_current_task,
				    NULL) == 1) {
		droidbpf_add(why, "its task_struct is of no use: %s", strerror(-err));
		return PROBE_WRONG;
	}
	droidbpf_add(why,
		     "cannot load BPF programs: %s (raw tracepoints and global variables need "
		     "5.2 or newer)",
		     strerror(-err));
	return err;
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
