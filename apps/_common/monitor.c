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

/* No event waits longer for more of them, nor a signal between the look for it and the wait. */
#define LATEST_MS 50
#define INIT_PID_NS 0xEFFFFFFCU /* PROC_PID_INIT_INO: its inode in every kernel */

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
	return env.verbose ? vfprintf(stderr, format, args) : 0;
}

void monitor_begin(void)
{
	/* The second Ctrl-C ends it at once. */
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	action.sa_flags = 0;
	sigaction(SIGALRM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* What is opened next would take its place. */
	if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
		die("stdout: %s", strerror(errno));
	libbpf_set_print(print_libbpf);
}

bool in_first_pid_namespace(struct stat *ns)
{
	return stat("/proc/self/ns/pid", ns) || ns->st_ino == INIT_PID_NS;
}

void size_set(struct bpf_map *map, const struct key_list *list)
{
	bpf_map__set_max_entries(map, list->n ?: 1);
}

int fill_set(const struct bpf_map *map, const struct key_list *list)
{
	const char *key = list->keys;
	const __u8 present = 1;
	int err = 0;

	for (size_t i = 0; i < list->n && !err; i++, key += bpf_map__key_size(map))
		err = bpf_map_update_elem(bpf_map__fd(map), key, &present, BPF_ANY);
	return err;
}

void complain_of_load(int err)
{
	struct utsname name;

	if (err == -EPERM || geteuid())
		complain("not permitted to load BPF programs: run it as root");
	else if (libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) == 0 && !uname(&name))
		complain("kernel %s has no BPF ring buffer: 5.8 or newer is needed", name.release);
	else
		complain("cannot load the BPF programs: %s (-v shows more)", strerror(-err));
}

int monitor_open(const struct bpf_map *events, ring_buffer_sample_fn on_event)
{
	int err;

	events_fd = bpf_map__fd(events);
	ring = ring_buffer__new(events_fd, on_event, NULL, NULL);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (ring && epoll_fd >= 0)
		return 0;
	err = -errno;
	complain("cannot read the ring buffer: %s", strerror(-err));
	return err;
}

static bool enough(void)
{
	return (env.count && monitor_seen >= env.count) || writer_error();
}

int monitor_verdict(void)
{
	if (enough())
		return -ECANCELED;
	return stopping && !draining ? -EINTR : 0;
}

static void watch(int fd, __u32 events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	/* What cannot be watched, as a file that is stdout, needs no watching. */
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* Watches the processes of -p. Gives how many there still are, 1 too if there is no -p. */
static int watch_processes(void)
{
	const unsigned int *pids = env.pids.keys;
	int alive = !env.pids.n;

	for (size_t i = 0; i < env.pids.n; i++) {
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

static void tell_ready(void)
{
	if (env.ready_fd < 0)
		return;
	if (write(env.ready_fd, "\n", 1) != 1)
		complain("cannot write to file descriptor %d: %s", env.ready_fd, strerror(errno));
	close(env.ready_fd);
}

void monitor_follow(void)
{
	int alive;

	setitimer(ITIMER_REAL, &env.duration, NULL);
	tell_ready();
	alive = watch_processes();
	/* Edge-triggered: to sleep until the programs wake it, not only while there is no event. */
	watch(events_fd, EPOLLIN | EPOLLET);
	watch(STDOUT_FILENO, 0);
	while (alive && !stopping && !take_events() && !writer_error()) {
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

void monitor_drain(void)
{
	draining = true;
	if (!enough())
		take_events();
}

int monitor_end(int err, unsigned long long lost_events)
{
	if (err == -EPIPE) /* the reader has seen enough */
		err = 0;
	if (err)
		complain("stdout: %s", strerror(-err));
	if (lost_events)
		complain("lost %llu events: the ring buffer was full (-b %u makes a larger one)",
			 lost_events, env.buffer_kib * 2);
	return err;
}

void monitor_close(void)
{
	if (epoll_fd >= 0)
		close(epoll_fd);
	ring_buffer__free(ring);
}
