// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "container.h"
#include "droidbpf.h"
#include "monitor.h"
#include "options.h"
#include "output.h"
#include "proc_mon.h"
#include "proc_mon.skel.h"
#include "processes.h"
#include "rules.h"

static void configure(struct proc_mon *skel)
{
	for (enum kind kind = 0; kind < KINDS; kind++)
		skel->rodata->shown[kind] = options.kinds[kind] || !options.filter_kind;
	skel->rodata->monitor_filters = monitor_filters();
	skel->rodata->deny_comms = rules_match_on(SUBJECT_COMM);
	skel->rodata->deny_paths = rules_match_on(SUBJECT_PATH);
	skel->rodata->deny_cgroups =
		rules_match_on(SUBJECT_CGROUP) || rules_match_on(SUBJECT_CGROUP_NAME);

	bpf_map__set_max_entries(skel->maps.monitor_events, monitor_options.buffer_kib << 10);
	bpf_map__set_max_entries(skel->maps.rules, rules_count_keys() ?: 1);
}

static void explain_attach(int err)
{
	if (err == -ENOENT && access("/sys/kernel/tracing/events", F_OK) &&
	    access("/sys/kernel/debug/tracing/events", F_OK))
		monitor_warn("no tracefs: mount -t tracefs tracefs /sys/kernel/tracing");
	else
		monitor_warn("cannot attach to the sched tracepoints: %s", strerror(-err));
}

static int on_event(void *context, void *data, size_t size)
{
	const struct event *event = data;
	size_t len;

	(void)context;
	(void)size;
	if (event->kind == KIND_DENY && event->error)
		monitor_warn("cannot kill process %u: %s", event->tgid, strerror(-event->error));
	/* BPF does not parse containers, so this filter runs here. Rules ignore filters. */
	if (!options.containers || event->kind == KIND_DENY || container_find(event->cgroup, &len))
		output_event(event, ++monitor_seen, rules_text(event->rule));
	return monitor_verdict();
}

static struct proc_mon *open_programs(void)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	struct proc_mon *skel;

	if (droidbpf_btf_path(&opts.btf_custom_path, options.btf, monitor_options.verbose))
		return NULL; /* it has printed why */
	skel = proc_mon__open_opts(&opts);
	if (!skel) {
		monitor_warn("cannot open the BPF programs: %s", strerror(errno));
		droidbpf_btf_done();
	}
	return skel;
}

static int load_programs(struct proc_mon *skel)
{
	int err;

	configure(skel);
	err = monitor_load(skel->skeleton, on_event);
	droidbpf_btf_done();
	if (err)
		return err;
	err = rules_load(bpf_map__fd(skel->maps.rules));
	if (err)
		monitor_warn("cannot load the rules: %s", strerror(-err));
	return err;
}

static int attach_programs(struct proc_mon *skel)
{
	int err = proc_mon__attach(skel);

	if (err) {
		explain_attach(err);
		return err;
	}
	err = processes_load(bpf_map__fd(skel->maps.processes), &skel->bss->lost_processes);
	if (err)
		monitor_warn("cannot read the processes in /proc: %s", strerror(-err));
	return err;
}

int main(int argc, char **argv)
{
	struct proc_mon *skel;
	struct stat ns;
	int err;

	parse_options(argc, argv);
	monitor_begin();
	if (!monitor_in_first_pid_ns(&ns)) {
		monitor_warn(
			"cannot run in a PID namespace: run it on the host, or with --pid=host");
		return 1;
	}

	skel = open_programs();
	if (!skel)
		return 1;
	err = load_programs(skel) ?: attach_programs(skel);
	if (err)
		goto cleanup;

	output_begin();
	monitor_follow(skel->skeleton);
	err = monitor_end(skel->bss->monitor_lost_events);
	if (skel->bss->lost_processes)
		monitor_warn("lost the exits of %llu processes: there were more than %u at once",
			     skel->bss->lost_processes, bpf_map__max_entries(skel->maps.processes));

cleanup:
	monitor_close();
	proc_mon__destroy(skel);
	return err ? 1 : 0;
}
