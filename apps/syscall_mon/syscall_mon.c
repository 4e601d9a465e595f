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

#include "options.h"
#include "output.h"
#include "summary.h"
#include "syscall_mon.h"
#include "syscall_mon.skel.h"

#define LATEST_MS 50 /* no event waits longer for more of them */
#define WAKEUP_BYTES (512 << 10) /* nor do more bytes of them */
#define EVENT_BYTES (sizeof(struct event) + 8)
#define ARRAY_MAX_TIDS 65536 /* 1 MiB of starts; beyond, a hash of as many */
#define INIT_PID_NS 0xEFFFFFFCU /* PROC_PID_INIT_INO: its inode in every kernel */

static volatile sig_atomic_t stopping;
static __u64 seen;
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

static void configure(struct syscall_mon *skel)
{
	__u32 buffer = env.summary && !env.count ? 1 : env.buffer_kib << 10;
	__u32 wakeup_bytes = buffer / 4 < WAKEUP_BYTES ? buffer / 4 : WAKEUP_BYTES;
	__u32 tids = read_number("/proc/sys/kernel/pid_max", "");
	int cpus = libbpf_num_possible_cpus();
	struct stat ns;

	skel->rodata->own_tgid = getpid();
	skel->rodata->only_tgid = env.pids.n == 1 ? env.pids.ids[0] : 0;
	skel->rodata->filter_tgid = env.pids.n > 1;
	skel->rodata->filter_tid = env.tids.n;
	skel->rodata->filter_uid = env.uids.n;
	skel->rodata->filter_comm = env.n_comms;
	skel->rodata->filter_syscall = env.filter_syscall;
	for (int slot = 0; slot < SLOTS; slot++)
		skel->rodata->wanted[slot] =
			(env.included[slot] || !env.syscalls_included) && !env.excluded[slot];
	skel->rodata->failed_only = env.failed;
	skel->rodata->min_ns = env.min_ns;
	/* An exact count needs one counter: this program's. */
	skel->rodata->summarize = env.summary && !env.count;
	skel->rodata->wakeup_events = wakeup_bytes / EVENT_BYTES / (cpus > 0 ? cpus : 1);
	if (!stat("/proc/self/ns/pid", &ns) && ns.st_ino != INIT_PID_NS) {
		skel->rodata->pidns_dev = ns.st_dev;
		skel->rodata->pidns_ino = ns.st_ino;
	}

	bpf_map__set_max_entries(skel->maps.events, buffer);
	if (!skel->rodata->summarize)
		bpf_map__set_max_entries(skel->maps.summary, 1);
	if (!tids || tids > ARRAY_MAX_TIDS) {
		tids = ARRAY_MAX_TIDS;
		bpf_map__set_type(skel->maps.starts, BPF_MAP_TYPE_HASH);
	}
	bpf_map__set_max_entries(skel->maps.starts, tids);
	bpf_map__set_max_entries(skel->maps.tgids, env.pids.n ? env.pids.n : 1);
	bpf_map__set_max_entries(skel->maps.tids, env.tids.n ? env.tids.n : 1);
	bpf_map__set_max_entries(skel->maps.uids, env.uids.n ? env.uids.n : 1);
	bpf_map__set_max_entries(skel->maps.comms, env.n_comms ? env.n_comms : 1);
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

static int fill_sets(const struct syscall_mon *skel)
{
	int err = fill_set(skel->maps.tgids, env.pids.ids, env.pids.n, sizeof(__u32));

	err = err ?: fill_set(skel->maps.tids, env.tids.ids, env.tids.n, sizeof(__u32));
	err = err ?: fill_set(skel->maps.uids, env.uids.ids, env.uids.n, sizeof(__u32));
	return err ?: fill_set(skel->maps.comms, env.comms, env.n_comms, COMM_LEN);
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

static int on_event(void *context, void *data, size_t size)
{
	(void)context;
	(void)size;
	if (env.summary)
		summary_add(data);
	else
		output_event(data);
	seen++;
	if (seen == env.count || output_error())
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

	/* Edge-triggered: it is to sleep until the programs wake it, not while there is any event. */
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

static void tell_losses(const struct syscall_mon *skel)
{
	if (skel->bss->lost_events)
		complain("lost %llu events: the ring buffer was full (-b %u makes a larger one)",
			 skel->bss->lost_events, env.buffer_kib * 2);
	if (skel->bss->lost_starts)
		complain("lost %llu events: too many threads are in syscalls",
			 skel->bss->lost_starts);
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

int main(int argc, char **argv)
{
	struct ring_buffer *ring = NULL;
	struct syscall_mon *skel;
	int epoll_fd = -1, err;

	parse_options(argc, argv);
	handle_signals();
	libbpf_set_print(print_libbpf);

	skel = syscall_mon__open();
	if (!skel) {
		complain("cannot open the BPF programs: %s", strerror(errno));
		return 1;
	}
	configure(skel);
	err = syscall_mon__load(skel) ?: fill_sets(skel);
	if (err) {
		complain_of_load(err);
		goto cleanup;
	}
	ring = ring_buffer__new(bpf_map__fd(skel->maps.events), on_event, NULL, NULL);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!ring || epoll_fd < 0) {
		err = -errno;
		complain("cannot read the ring buffer: %s", strerror(-err));
		goto cleanup;
	}
	err = syscall_mon__attach(skel);
	if (err) {
		complain("cannot attach to the raw_syscalls tracepoints: %s", strerror(-err));
		goto cleanup;
	}
	setitimer(ITIMER_REAL, &env.duration, NULL);
	tell_ready();

	if (!env.summary)
		output_begin(env.format);
	follow(ring, bpf_map__fd(skel->maps.events), epoll_fd);
	syscall_mon__detach(skel);
	draining = true;
	if (!output_error() && (!env.count || seen < env.count))
		take_events(ring);

	if (skel->rodata->summarize)
		err = summary_read(bpf_map__fd(skel->maps.summary));
	if (err) {
		complain("cannot read the summary: %s", strerror(-err));
		goto cleanup;
	}
	err = env.summary ? summary_print(env.format) : -output_error();
	if (err == -EPIPE) /* the reader has seen enough */
		err = 0;
	if (err)
		complain("stdout: %s", strerror(-err));
	tell_losses(skel);

cleanup:
	if (epoll_fd >= 0)
		close(epoll_fd);
	ring_buffer__free(ring);
	syscall_mon__destroy(skel);
	return err ? 1 : 0;
}
