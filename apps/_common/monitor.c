// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "monitor.h"

/*
 * The longest wait: for an event that did not wake us, and for a signal that arrives between the
 * check of `stopping` and epoll_wait().
 */
#define MAX_WAIT_MS 50
#define INIT_PID_NS 0xEFFFFFFCU /* PROC_PID_INIT_INO: the same inode in every kernel */

unsigned long long monitor_seen;
static volatile sig_atomic_t stopping;
static bool draining;
static struct ring_buffer *ring;
static int events_fd, epoll_fd = -1;

static void on_signal(int signal)
{
	(void)signal;
	stopping = 1;
}

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	return monitor_options.verbose ? vfprintf(stderr, format, args) : 0;
}

void monitor_begin(void)
{
	/* SA_RESETHAND: a second Ctrl-C kills the process. */
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	action.sa_flags = 0;
	sigaction(SIGALRM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* If stdout is closed, the next file to be opened would take its place. */
	if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
		monitor_die("stdout: %s", strerror(errno));
	libbpf_set_print(print_libbpf);
}

bool monitor_in_first_pid_ns(struct stat *ns)
{
	return stat("/proc/self/ns/pid", ns) || ns->st_ino == INIT_PID_NS;
}

static const struct set {
	const char *map;
	const struct monitor_keys *keys;
} sets[] = {
	{ "monitor_tgids", &monitor_options.pids },
	{ "monitor_uids", &monitor_options.uids },
	{ "monitor_comms", &monitor_options.comms },
	{ "monitor_others", &monitor_options.others },
	{},
};

struct monitor_filters monitor_filters(void)
{
	return (struct monitor_filters){ monitor_options.pids.n, monitor_options.uids.n,
					 monitor_options.comms.n, monitor_options.others.n };
}

static int fill_set(const struct bpf_map *map, const struct monitor_keys *list)
{
	const char *key = list->keys;
	const __u8 present = 1;
	int err = 0;

	for (size_t i = 0; i < list->n && !err; i++, key += bpf_map__key_size(map))
		err = bpf_map_update_elem(bpf_map__fd(map), key, &present, BPF_ANY);
	return err;
}

static void explain_load(int err)
{
	struct utsname name;

	if (err == -EPERM || geteuid())
		monitor_warn("not permitted to load BPF programs: run it as root");
	else if (libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) == 0 && !uname(&name))
		monitor_warn("kernel %s has no BPF ring buffer: 5.8 or newer is required",
			     name.release);
	else
		monitor_warn("cannot load the BPF programs: %s (-v shows more)", strerror(-err));
}

static int open_ring(ring_buffer_sample_fn on_event)
{
	int err;

	ring = ring_buffer__new(events_fd, on_event, NULL, NULL);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (ring && epoll_fd >= 0)
		return 0;
	err = -errno;
	monitor_warn("cannot read the ring buffer: %s", strerror(-err));
	return err;
}

int monitor_load(struct bpf_object_skeleton *programs, ring_buffer_sample_fn on_event)
{
	struct bpf_object *object = *programs->obj;
	const struct set *set;
	int err;

	for (set = sets; set->map; set++)
		bpf_map__set_max_entries(bpf_object__find_map_by_name(object, set->map),
					 set->keys->n ?: 1);
	err = bpf_object__load_skeleton(programs);
	for (set = sets; set->map && !err; set++)
		err = fill_set(bpf_object__find_map_by_name(object, set->map), set->keys);
	if (err) {
		explain_load(err);
		return err;
	}
	events_fd = bpf_object__find_map_fd_by_name(object, "monitor_events");
	return open_ring(on_event);
}

static bool finished(void)
{
	return (monitor_options.count && monitor_seen >= monitor_options.count) || writer_error();
}

int monitor_verdict(void)
{
	if (finished())
		return -ECANCELED;
	return stopping && !draining ? -EINTR : 0;
}

static void watch(int fd, __u32 events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	/* It fails for what never blocks, such as a regular file as stdout: nothing to wait for. */
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* Watches the processes of -p. Returns how many are still alive, or 1 without -p. */
static int watch_processes(void)
{
	const unsigned int *pids = monitor_options.pids.keys;
	int alive = !monitor_options.pids.n;

	for (size_t i = 0; i < monitor_options.pids.n; i++) {
		int fd = syscall(SYS_pidfd_open, pids[i], 0);

		if (fd >= 0)
			watch(fd, EPOLLIN | EPOLLONESHOT);
		alive += fd >= 0 || errno != ESRCH;
	}
	return alive;
}

static int take_events(void)
{
	int err;

	writer_read_clocks();
	err = ring_buffer__consume(ring);
	writer_flush();
	return err < 0 ? err : 0;
}

static void signal_ready(void)
{
	if (monitor_options.ready_fd < 0)
		return;
	if (write(monitor_options.ready_fd, "\n", 1) != 1)
		monitor_warn("cannot write to file descriptor %d: %s", monitor_options.ready_fd,
			     strerror(errno));
	close(monitor_options.ready_fd);
}

static void wait_and_take(void)
{
	int alive = watch_processes();

	/* Edge-triggered: wakes when the programs ask for it, not whenever there are events. */
	watch(events_fd, EPOLLIN | EPOLLET);
	watch(STDOUT_FILENO, 0);
	while (alive && !stopping && !take_events() && !writer_error()) {
		struct epoll_event ready[8];
		int n = epoll_wait(epoll_fd, ready, 8, MAX_WAIT_MS);

		for (int i = 0; i < n; i++) {
			if (ready[i].data.fd == STDOUT_FILENO)
				return;
			if (ready[i].data.fd != events_fd)
				alive--;
		}
	}
}

void monitor_follow(struct bpf_object_skeleton *programs)
{
	setitimer(ITIMER_REAL, &monitor_options.duration, NULL);
	signal_ready();
	wait_and_take();
	bpf_object__detach_skeleton(programs);
	draining = true;
	if (!finished())
		take_events();
}

int monitor_end(unsigned long long lost_events)
{
	int err = writer_error();

	if (err == EPIPE) /* the reader has left, as head does */
		err = 0;
	if (err)
		monitor_warn("stdout: %s", strerror(err));
	if (lost_events)
		monitor_warn("lost %llu events: the ring buffer was full (try -b %u)", lost_events,
			     monitor_options.buffer_kib * 2);
	return err;
}

void monitor_close(void)
{
	if (epoll_fd >= 0)
		close(epoll_fd);
	ring_buffer__free(ring);
}
