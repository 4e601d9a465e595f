// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "container.h"
#include "droidbpf.h"
#include "options.h"
#include "output.h"
#include "proc_mon.h"
#include "proc_mon.skel.h"
#include "processes.h"
#include "rules.h"

#define LATEST_MS 50 /* for a signal between the look for it and the wait */
#define INIT_PID_NS 0xEFFFFFFCU /* PROC_PID_INIT_INO: its inode in every kernel */

static volatile sig_atomic_t stopping;
static unsigned long long seen;
static bool draining;

static void on_signal(int signal)
{
	(void)signal;
	stopping = 1;
}

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	return env.verbose ? vfprintf(stderr, format, args) : 0;
}

static void configure(struct proc_mon *skel)
{
	for (enum kind kind = 0; kind < KINDS; kind++)
		skel->rodata->shown[kind] = env.kinds[kind] || !env.filter_kind;
	skel->rodata->filter_tgid = env.pids.n;
	skel->rodata->filter_ppid = env.ppids.n;
	skel->rodata->filter_uid = env.uids.n;
	skel->rodata->filter_comm = env.n_comms;
	skel->rodata->deny_comms = rules_look_at(SUBJECT_COMM);
	skel->rodata->deny_paths = rules_look_at(SUBJECT_PATH);
	skel->rodata->deny_cgroups =
		rules_look_at(SUBJECT_CGROUP) || rules_look_at(SUBJECT_CGROUP_NAME);

	bpf_map__set_max_entries(skel->maps.events, env.buffer_kib << 10);
	bpf_map__set_max_entries(skel->maps.rules, rules_keys() ?: 1);
	bpf_map__set_max_entries(skel->maps.tgids, env.pids.n ?: 1);
	bpf_map__set_max_entries(skel->maps.ppids, env.ppids.n ?: 1);
	bpf_map__set_max_entries(skel->maps.uids, env.uids.n ?: 1);
	bpf_map__set_max_entries(skel->maps.comms, env.n_comms ?: 1);
}

static int fill_set(const struct bpf_map *map, const void *keys, size_t n, size_t size)
{
	const __u8 present = 1;
	int err = 0;

	for (size_t i = 0; i < n && !err; i++)
		err = bpf_map_update_elem(bpf_map__fd(map), (const char *)keys + i * size, &present,
					  BPF_ANY);
	return err;
}

static int fill_sets(const struct proc_mon *skel)
{
	int err = fill_set(skel->maps.tgids, env.pids.ids, env.pids.n, sizeof(__u32));

	err = err ?: fill_set(skel->maps.ppids, env.ppids.ids, env.ppids.n, sizeof(__u32));
	err = err ?: fill_set(skel->maps.uids, env.uids.ids, env.uids.n, sizeof(__u32));
	err = err ?: fill_set(skel->maps.comms, env.comms, env.n_comms, COMM_LEN);
	return err ?: rules_load(bpf_map__fd(skel->maps.rules));
}

static void complain_of_load(int err)
{
	struct utsname name;

	if (err == -EPERM || geteuid())
		complain("not permitted to load BPF programs: run it as root");
	else if (libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) == 0 && !uname(&name))
		complain("kernel %s has no BPF ring buffer: 5.8 or newer is needed", name.release);
	else
		complain("cannot load the BPF programs: %s (-v shows more)", strerror(-err));
}

static void complain_of_attach(int err)
{
	if (err == -ENOENT && access("/sys/kernel/tracing/events", F_OK) &&
	    access("/sys/kernel/debug/tracing/events", F_OK))
		complain("no tracefs: mount -t tracefs tracefs /sys/kernel/tracing");
	else
		complain("cannot attach to the sched tracepoints: %s", strerror(-err));
}

static int on_event(void *context, void *data, size_t size)
{
	const struct event *event = data;
	size_t len;

	(void)context;
	(void)size;
	if (event->kind == KIND_DENY && event->error)
		complain("cannot kill process %u: %s", event->tgid, strerror(-event->error));
	/* Only here, as what is a container is decided here; rules are no matter of filters. */
	if (!env.containers || event->kind == KIND_DENY || container_find(event->cgroup, &len)) {
		output_event(event, ++seen, rules_text(event->rule));
		if (seen == env.count)
			return -ECANCELED;
	}
	if (output_error())
		return -ECANCELED;
	return stopping && !draining ? -EINTR : 0;
}

static void watch(int epoll_fd, int fd, __u32 events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	/* What cannot be watched, as a file that is stdout, needs no watching. */
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* Watches the processes of -p. Gives how many there still are, 1 too if there is no -p. */
static int watch_processes(int epoll_fd)
{
	int alive = !env.pids.n;

	for (size_t i = 0; i < env.pids.n; i++) {
		int fd = syscall(SYS_pidfd_open, env.pids.ids[i], 0);

		if (fd >= 0)
			watch(epoll_fd, fd, EPOLLIN | EPOLLONESHOT);
		alive += fd >= 0 || errno != ESRCH;
	}
	return alive;
}

static int take_events(struct ring_buffer *ring)
{
	int err;

	output_read_clocks();
	err = ring_buffer__consume(ring);
	output_flush();
	return err < 0 ? err : 0;
}

/* Until there is a reason to end, which is no error. */
static void follow(struct ring_buffer *ring, int events_fd, int epoll_fd)
{
	int alive = watch_processes(epoll_fd);

	watch(epoll_fd, events_fd, EPOLLIN | EPOLLET);
	watch(epoll_fd, STDOUT_FILENO, 0);
	while (alive && !stopping && !take_events(ring) && !output_error()) {
		struct epoll_event ready[8];
		int n = epoll_wait(epoll_fd, ready, 8, LATEST_MS);

		for (int i = 0; i < n; i++) {
			if (ready[i].data.fd == STDOUT_FILENO)
				return;
			if (ready[i].data.fd != events_fd)
				alive--;
		}
	}
}

static void tell_ready(void)
{
	if (env.ready_fd < 0)
		return;
	if (write(env.ready_fd, "\n", 1) != 1)
		complain("cannot write to file descriptor %d: %s", env.ready_fd, strerror(errno));
	close(env.ready_fd);
}

static void tell_losses(const struct proc_mon *skel)
{
	if (skel->bss->lost_events)
		complain("lost %llu events: the ring buffer was full (-b %u makes a larger one)",
			 skel->bss->lost_events, env.buffer_kib * 2);
	if (skel->bss->lost_processes)
		complain("lost the exits of %llu processes: there were more than %u at once",
			 skel->bss->lost_processes, bpf_map__max_entries(skel->maps.processes));
}

static void handle_signals(void)
{
	/* The second Ctrl-C ends it at once. */
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	action.sa_flags = 0;
	sigaction(SIGALRM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* The IDs that a kernel's events have are those of its first PID namespace. */
static bool in_first_pid_namespace(void)
{
	struct stat ns;

	return stat("/proc/self/ns/pid", &ns) || ns.st_ino == INIT_PID_NS;
}

static struct proc_mon *open_programs(void)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	struct proc_mon *skel;

	if (droidbpf_btf_path(&opts.btf_custom_path, env.btf, env.verbose))
		return NULL; /* it has told why */
	skel = proc_mon__open_opts(&opts);
	if (!skel) {
		complain("cannot open the BPF programs: %s", strerror(errno));
		droidbpf_btf_done();
	}
	return skel;
}

static int load_programs(struct proc_mon *skel)
{
	int err;

	configure(skel);
	err = proc_mon__load(skel) ?: fill_sets(skel);
	droidbpf_btf_done();
	if (err)
		complain_of_load(err);
	return err;
}

int main(int argc, char **argv)
{
	struct ring_buffer *ring = NULL;
	struct proc_mon *skel;
	int epoll_fd = -1, err;

	parse_options(argc, argv);
	handle_signals();
	libbpf_set_print(print_libbpf);
	if (!in_first_pid_namespace()) {
		complain("this is a PID namespace of its own: run it outside, or with --pid=host");
		return 1;
	}

	skel = open_programs();
	if (!skel)
		return 1;
	err = load_programs(skel);
	if (err)
		goto cleanup;
	ring = ring_buffer__new(bpf_map__fd(skel->maps.events), on_event, NULL, NULL);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!ring || epoll_fd < 0) {
		err = -errno;
		complain("cannot read the ring buffer: %s", strerror(-err));
		goto cleanup;
	}
	err = proc_mon__attach(skel);
	if (err) {
		complain_of_attach(err);
		goto cleanup;
	}
	err = processes_load(bpf_map__fd(skel->maps.processes), &skel->bss->lost_processes);
	if (err) {
		complain("cannot read the processes in /proc: %s", strerror(-err));
		goto cleanup;
	}
	setitimer(ITIMER_REAL, &env.duration, NULL);
	tell_ready();

	output_begin(env.format);
	follow(ring, bpf_map__fd(skel->maps.events), epoll_fd);
	proc_mon__detach(skel);
	draining = true;
	if (!output_error() && (!env.count || seen < env.count))
		take_events(ring);
	output_flush();
	err = output_error() == EPIPE ? 0 : -output_error(); /* the reader has seen enough */
	if (err)
		complain("stdout: %s", strerror(-err));
	tell_losses(skel);

cleanup:
	if (epoll_fd >= 0)
		close(epoll_fd);
	ring_buffer__free(ring);
	proc_mon__destroy(skel);
	return err ? 1 : 0;
}
