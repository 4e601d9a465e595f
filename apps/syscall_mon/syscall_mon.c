// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "monitor.h"
#include "options.h"
#include "output.h"
#include "summary.h"
#include "syscall_mon.h"
#include "syscall_mon.skel.h"

#define WAKEUP_BYTES (512 << 10) /* no more bytes of events wait for the reader */
#define EVENT_BYTES (sizeof(struct event) + 8)
#define ARRAY_MAX_TIDS 65536 /* 1 MiB of starts; beyond, a hash of as many */

static void configure(struct syscall_mon *skel)
{
	__u32 buffer = own.summary && !env.count ? 1 : env.buffer_kib << 10;
	__u32 wakeup_bytes = buffer / 4 < WAKEUP_BYTES ? buffer / 4 : WAKEUP_BYTES;
	__u32 tids = read_number("/proc/sys/kernel/pid_max", "");
	int cpus = libbpf_num_possible_cpus();
	struct stat ns;

	skel->rodata->own_tgid = getpid();
	skel->rodata->only_tgid = env.pids.n == 1 ? *(unsigned int *)env.pids.keys : 0;
	skel->rodata->filter_tgid = env.pids.n > 1;
	skel->rodata->filter_tid = own.tids.n;
	skel->rodata->filter_uid = env.uids.n;
	skel->rodata->filter_comm = env.comms.n;
	skel->rodata->filter_syscall = own.filter_syscall;
	for (int slot = 0; slot < SLOTS; slot++)
		skel->rodata->wanted[slot] =
			(own.included[slot] || !own.syscalls_included) && !own.excluded[slot];
	skel->rodata->failed_only = own.failed;
	skel->rodata->min_ns = own.min_ns;
	/* An exact count needs one counter: this program's. */
	skel->rodata->summarize = own.summary && !env.count;
	skel->rodata->wakeup_events = wakeup_bytes / EVENT_BYTES / (cpus > 0 ? cpus : 1);
	if (!in_first_pid_namespace(&ns)) {
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
	size_set(skel->maps.tgids, &env.pids);
	size_set(skel->maps.tids, &own.tids);
	size_set(skel->maps.uids, &env.uids);
	size_set(skel->maps.comms, &env.comms);
}

static int fill_sets(const struct syscall_mon *skel)
{
	int err = fill_set(skel->maps.tgids, &env.pids);

	err = err ?: fill_set(skel->maps.tids, &own.tids);
	err = err ?: fill_set(skel->maps.uids, &env.uids);
	return err ?: fill_set(skel->maps.comms, &env.comms);
}

static int on_event(void *context, void *data, size_t size)
{
	(void)context;
	(void)size;
	if (own.summary)
		summary_add(data);
	else
		output_event(data);
	monitor_seen++;
	return monitor_verdict();
}

int main(int argc, char **argv)
{
	struct syscall_mon *skel;
	int err;

	parse_options(argc, argv);
	monitor_begin();

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
	err = monitor_open(skel->maps.events, on_event);
	if (err)
		goto cleanup;
	err = syscall_mon__attach(skel);
	if (err) {
		complain("cannot attach to the raw_syscalls tracepoints: %s", strerror(-err));
		goto cleanup;
	}

	if (!own.summary)
		output_begin();
	monitor_follow();
	syscall_mon__detach(skel);
	monitor_drain();

	if (skel->rodata->summarize)
		err = summary_read(bpf_map__fd(skel->maps.summary));
	if (err) {
		complain("cannot read the summary: %s", strerror(-err));
		goto cleanup;
	}
	err = own.summary ? summary_print(env.format) : -writer_error();
	err = monitor_end(err, skel->bss->lost_events);
	if (skel->bss->lost_starts)
		complain("lost %llu events: too many threads are in syscalls",
			 skel->bss->lost_starts);

cleanup:
	monitor_close();
	syscall_mon__destroy(skel);
	return err ? 1 : 0;
}
