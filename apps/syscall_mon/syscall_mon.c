// SPDX-License-Identifier: BSD-3-Clause
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "output.h"
#include "summary.h"
#include "syscalls.h"
#include "syscall_mon.h"
#include "syscall_mon.skel.h"

#define LATEST_MS 50 /* no event waits longer for more of them */
#define WAKEUP_BYTES (512 << 10) /* nor do more bytes of them */
#define EVENT_BYTES (sizeof(struct event) + 8)
#define ARRAY_MAX_TIDS 65536 /* 1 MiB of starts; beyond, a hash of as many */
#define INIT_PID_NS 0xEFFFFFFCU /* PROC_PID_INIT_INO: its inode in every kernel */

const char *argp_program_version = "syscall_mon 0.1.0";

static const char doc[] =
	"Show the system calls of processes, with the time each took.\v"
	"Filters of different kinds must all match; of values of one kind, one must. An event shows "
	"its thread's name and user ID at the end of the call, and -c and -u look at those.\n\n"
	"Text is a line an event:\n"
	"  pid=4379 comm=InteractionJank syscall_number=113 syscall_name=clock_gettime "
	"syscall_runtime_ns=2239\n"
	"Bytes of a comm other than printable ASCII, and space, = \" and \\, show as \\xNN. A number "
	"without a name shows as unknown_NUMBER.\n"
	"json is an object a line, csv has a header; both add tid, uid, abi, ret and timestamp, the "
	"time of the call (UTC). runtimes are ns of CLOCK_MONOTONIC.\n\n"
	"Ends at Ctrl-C, at what -d and -n say, when stdout is closed, and when all processes of -p "
	"are gone. What was lost on the way is told on stderr.";

enum { KEY_SUMMARY = 256, KEY_READY_FD };

static const struct argp_option options[] = {
	{ "pid", 'p', "PID", 0, "Only this process, all its threads; may be repeated", 1 },
	{ "tid", 't', "TID", 0, "Only this thread; may be repeated", 1 },
	{ "comm", 'c', "COMM", 0, "Only threads of this name (15 bytes at most); may be repeated",
	  1 },
	{ "uid", 'u', "UID", 0, "Only this user ID; an Android app has one; may be repeated", 1 },
	{ "syscall", 's', "[!]SYSCALL", 0,
	  "Only (with !, all but) this syscall, a name or a number; may be repeated", 1 },
	{ "min-us", 'm', "US", 0, "Only calls that took this long, in microseconds", 1 },
	{ "failed", 'f', NULL, 0, "Only calls that returned an error", 1 },
	{ "duration", 'd', "SECONDS", 0, "Stop after this time; fractions are fine", 2 },
	{ "count", 'n', "COUNT", 0, "Stop after this many events", 2 },
	{ "summary", KEY_SUMMARY, NULL, 0,
	  "No events: at the end, count, errors, total, mean, max and a histogram by syscall", 3 },
	{ "output", 'o', "FORMAT", 0, "text (the default), json or csv", 3 },
	{ "buffer", 'b', "KIB", 0, "Size of the ring buffer (4096)", 4 },
	{ "ready-fd", KEY_READY_FD, "FD", 0,
	  "Write a newline to FD and close it when tracing has begun", 4 },
	{ "verbose", 'v', NULL, 0, "Show what libbpf does, on stderr", 4 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, 0 },
	{},
};

struct id_list {
	__u32 *ids;
	size_t n;
};

static struct {
	struct id_list pids, tids, uids;
	char (*comms)[COMM_LEN];
	size_t n_comms;
	bool filter_syscall, syscalls_included;
	__u8 included[SLOTS], excluded[SLOTS];
	__u64 min_ns;
	bool failed, summary, verbose;
	struct itimerval duration;
	__u64 count;
	enum format format;
	__u32 buffer_kib;
	int ready_fd;
} env = { .buffer_kib = 4096, .ready_fd = -1 };

static volatile sig_atomic_t stopping;
static __u64 seen;
static bool draining;

static void on_signal(int signal)
{
	(void)signal;
	stopping = 1;
}

__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("syscall_mon: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

#define die(...) (complain(__VA_ARGS__), exit(1))

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	return env.verbose ? vfprintf(stderr, format, args) : 0;
}

static __u64 parse_integer(const char *what, const char *text, __u64 min, __u64 max)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value < min || value > max)
		die("bad %s '%s': a number from %llu to %llu is needed", what, text, min, max);
	return value;
}

static double parse_real(const char *what, const char *text, double max)
{
	double value;
	char *end;

	value = strtod(text, &end);
	if (strspn(text, "0123456789.") != strlen(text) || end == text || *end || value > max)
		die("bad %s '%s': a number from 0 to %.0f is needed", what, text, max);
	return value;
}

static void *grow(void *array, size_t n, size_t size)
{
	array = reallocarray(array, n + 1, size);
	if (!array)
		die("%s", strerror(ENOMEM));
	return array;
}

static void add_id(struct id_list *list, __u32 id)
{
	list->ids = grow(list->ids, list->n, sizeof(*list->ids));
	list->ids[list->n++] = id;
}

/* The number in the first line of a file that starts with the key, 0 if there is none. */
static __u32 read_number(const char *path, const char *key)
{
	FILE *file = fopen(path, "re");
	__u32 number = 0;
	char line[128];

	while (file && !number && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)))
			number = strtoul(line + strlen(key), NULL, 10);
	if (file)
		fclose(file);
	return number;
}

static void add_task(struct id_list *list, const char *what, const char *text)
{
	__u32 id = parse_integer(what, text, 1, INT_MAX), tgid;
	char path[32];

	if (kill(id, 0) && errno == ESRCH)
		die("no such %s: %u", list == &env.pids ? "process" : "thread", id);
	snprintf(path, sizeof(path), "/proc/%u/status", id);
	tgid = read_number(path, "Tgid:");
	if (list == &env.pids && tgid && tgid != id)
		die("no such process: %u is a thread of process %u (-t %u shows it alone)", id,
		    tgid, id);
	add_id(list, id);
}

static void add_comm(const char *text)
{
	if (strlen(text) >= COMM_LEN)
		die("bad comm '%s': a thread's name has %d bytes at most", text, COMM_LEN - 1);
	env.comms = grow(env.comms, env.n_comms, sizeof(*env.comms));
	strncpy(env.comms[env.n_comms++], text, COMM_LEN);
}

/* A number means that of both ABIs, a name all the numbers that have it. */
static void add_syscall(const char *text)
{
	bool exclude = *text == '!';
	__u8 *set = exclude ? env.excluded : env.included;
	const char *name = text + exclude;
	bool found = false;

	for (enum abi abi = 0; abi < ABIS; abi++) {
		int slot;

		if (*name >= '0' && *name <= '9') {
			slot = syscall_slot(abi, parse_integer("syscall number", name, 0, INT_MAX));
			if (slot % ABI_SLOTS == UNKNOWN_SLOT)
				die("no syscall has the number %s", name);
		} else {
			slot = syscall_find(abi, name);
		}
		if (slot >= 0) {
			set[slot] = 1;
			found = true;
		}
	}
	if (!found && syscall_nearest(name))
		die("unknown syscall '%s': did you mean '%s'?", name, syscall_nearest(name));
	else if (!found)
		die("unknown syscall '%s'", name);
	env.filter_syscall = true;
	env.syscalls_included |= !exclude;
}

static enum format parse_format(const char *text)
{
	static const char *const names[] = { "text", "json", "csv" };

	for (enum format format = FORMAT_TEXT; format <= FORMAT_CSV; format++)
		if (!strcmp(text, names[format]))
			return format;
	die("bad output format '%s': text, json or csv is needed", text);
}

static void set_duration(const char *text)
{
	double seconds = parse_real("duration", text, 1e8);

	if (seconds < 1e-6)
		die("bad duration '%s': more than 0 seconds are needed", text);
	env.duration.it_value.tv_sec = seconds;
	env.duration.it_value.tv_usec = (seconds - env.duration.it_value.tv_sec) * 1e6;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'p':
		add_task(&env.pids, "process ID", arg);
		break;
	case 't':
		add_task(&env.tids, "thread ID", arg);
		break;
	case 'c':
		add_comm(arg);
		break;
	case 'u':
		add_id(&env.uids, parse_integer("user ID", arg, 0, UINT_MAX - 1));
		break;
	case 's':
		add_syscall(arg);
		break;
	case 'm':
		env.min_ns = parse_real("time", arg, 1e12) * 1e3;
		break;
	case 'f':
		env.failed = true;
		break;
	case 'd':
		set_duration(arg);
		break;
	case 'n':
		env.count = parse_integer("count", arg, 1, LLONG_MAX);
		break;
	case KEY_SUMMARY:
		env.summary = true;
		break;
	case 'o':
		env.format = parse_format(arg);
		break;
	case 'b':
		env.buffer_kib = parse_integer("buffer size", arg, 1, 1 << 20);
		break;
	case KEY_READY_FD:
		env.ready_fd = parse_integer("file descriptor", arg, 0, INT_MAX);
		if (fcntl(env.ready_fd, F_GETFD) < 0)
			die("bad file descriptor %s: %s", arg, strerror(errno));
		break;
	case 'v':
		env.verbose = true;
		break;
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		break;
	case ARGP_KEY_ARG:
		die("unexpected argument '%s'", arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
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
	sigaction(SIGHUP, &action, NULL);
	action.sa_flags = 0;
	sigaction(SIGALRM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
	static const struct argp argp = { options, parse_option, NULL, doc, NULL, NULL, NULL };
	struct ring_buffer *ring = NULL;
	struct syscall_mon *skel;
	int epoll_fd = -1, err;

	argp_err_exit_status = 1;
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
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

	if (env.summary) {
		if (skel->rodata->summarize)
			err = summary_read(bpf_map__fd(skel->maps.summary));
		if (err)
			complain("cannot read the summary: %s", strerror(-err));
		else
			err = summary_print(env.format);
	} else {
		err = -output_error();
	}
	if (err == -EPIPE) /* the reader has seen enough */
		err = 0;
	else if (err)
		complain("stdout: %s", strerror(-err));
	tell_losses(skel);

cleanup:
	if (epoll_fd >= 0)
		close(epoll_fd);
	ring_buffer__free(ring);
	syscall_mon__destroy(skel);
	return err ? 1 : 0;
}
