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

#define WAKEUP_BYTES (512 << 10) /* wake the reader when this many bytes are waiting */
#define EVENT_BYTES (sizeof(struct event) + 8)
#define ARRAY_MAX_TIDS 65536 /* 1 MiB of starts; above, a hash of the same size */

static void configure(struct syscall_mon *skel)
{
	__u32 buffer =
		options.summary && !monitor_options.count ? 1 : monitor_options.buffer_kib << 10;
	__u32 wakeup_bytes = buffer / 4 < WAKEUP_BYTES ? buffer / 4 : WAKEUP_BYTES;
	__u32 tids = monitor_read_number("/proc/sys/kernel/pid_max", "");
	int cpus = libbpf_num_possible_cpus();
	struct stat ns;

	skel->rodata->own_tgid = getpid();
	skel->rodata->only_tgid =
		monitor_options.pids.n == 1 ? *(unsigned int *)monitor_options.pids.keys : 0;
	skel->rodata->monitor_filters = monitor_filters();
	skel->rodata->filter_syscall = options.filter_syscall;
	for (int slot = 0; slot < SLOTS; slot++)
		skel->rodata->wanted[slot] =
			(options.included[slot] || !options.syscalls_included) &&
			!options.excluded[slot];
	skel->rodata->failed_only = options.failed;
	skel->rodata->min_ns = options.min_ns;
	/* Only one counter can stop at exactly -n events: ours. */
	skel->rodata->summarize = options.summary && !monitor_options.count;
	skel->rodata->wakeup_events = wakeup_bytes / EVENT_BYTES / (cpus > 0 ? cpus : 1);
	if (!monitor_in_first_pid_ns(&ns)) {
		skel->rodata->pidns_dev = ns.st_dev;
		skel->rodata->pidns_ino = ns.st_ino;
	}

	bpf_map__set_max_entries(skel->maps.monitor_events, buffer);
	if (!skel->rodata->summarize)
		bpf_map__set_max_entries(skel->maps.summary, 1);
	if (!tids || tids > ARRAY_MAX_TIDS) {
		tids = ARRAY_MAX_TIDS;
		bpf_map__set_type(skel->maps.starts, BPF_MAP_TYPE_HASH);
	}
	bpf_map__set_max_entries(skel->maps.starts, tids);
}

static int on_event(void *context, void *data, size_t size)
{
	(void)context;
	(void)size;
	if (options.summary)
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
		monitor_warn("cannot open the BPF programs: %s", strerror(errno));
		return 1;
	}
	configure(skel);
	err = monitor_load(skel->skeleton, on_event);
	if (err)
		goto cleanup;
	err = syscall_mon__attach(skel);
	if (err) {
		monitor_warn("cannot attach to the raw_syscalls tracepoints: %s", strerror(-err));
		goto cleanup;
	}

	if (!options.summary)
		output_begin();
	monitor_follow(skel->skeleton);

	if (skel->rodata->summarize)
		err = summary_read(bpf_map__fd(skel->maps.summary));
	if (err) {
		monitor_warn("cannot read the summary: %s", strerror(-err));
		goto cleanup;
	}
	if (options.summary)
		summary_print();
	err = monitor_end(skel->bss->monitor_lost_events);
	if (skel->bss->lost_starts)
		monitor_warn("lost %llu events: too many threads are in syscalls",
			     skel->bss->lost_starts);

cleanup:
	monitor_close();
	syscall_mon__destroy(skel);
	return err ? 1 : 0;
}
