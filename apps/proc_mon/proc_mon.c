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
		skel->rodata->shown[kind] = own.kinds[kind] || !own.filter_kind;
	skel->rodata->filter_tgid = env.pids.n;
	skel->rodata->filter_ppid = own.ppids.n;
	skel->rodata->filter_uid = env.uids.n;
	skel->rodata->filter_comm = env.comms.n;
	skel->rodata->deny_comms = rules_look_at(SUBJECT_COMM);
	skel->rodata->deny_paths = rules_look_at(SUBJECT_PATH);
	skel->rodata->deny_cgroups =
		rules_look_at(SUBJECT_CGROUP) || rules_look_at(SUBJECT_CGROUP_NAME);

	bpf_map__set_max_entries(skel->maps.events, env.buffer_kib << 10);
	bpf_map__set_max_entries(skel->maps.rules, rules_keys() ?: 1);
	size_set(skel->maps.tgids, &env.pids);
	size_set(skel->maps.ppids, &own.ppids);
	size_set(skel->maps.uids, &env.uids);
	size_set(skel->maps.comms, &env.comms);
}

static int fill_sets(const struct proc_mon *skel)
{
	int err = fill_set(skel->maps.tgids, &env.pids);

	err = err ?: fill_set(skel->maps.ppids, &own.ppids);
	err = err ?: fill_set(skel->maps.uids, &env.uids);
	err = err ?: fill_set(skel->maps.comms, &env.comms);
	return err ?: rules_load(bpf_map__fd(skel->maps.rules));
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
	if (!own.containers || event->kind == KIND_DENY || container_find(event->cgroup, &len))
		output_event(event, ++monitor_seen, rules_text(event->rule));
	return monitor_verdict();
}

static struct proc_mon *open_programs(void)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	struct proc_mon *skel;

	if (droidbpf_btf_path(&opts.btf_custom_path, own.btf, env.verbose))
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

static int attach_programs(struct proc_mon *skel)
{
	int err = proc_mon__attach(skel);

	if (err) {
		complain_of_attach(err);
		return err;
	}
	err = processes_load(bpf_map__fd(skel->maps.processes), &skel->bss->lost_processes);
	if (err)
		complain("cannot read the processes in /proc: %s", strerror(-err));
	return err;
}

int main(int argc, char **argv)
{
	struct proc_mon *skel;
	struct stat ns;
	int err;

	parse_options(argc, argv);
	monitor_begin();
	if (!in_first_pid_namespace(&ns)) {
		complain("this is a PID namespace of its own: run it outside, or with --pid=host");
		return 1;
	}

	skel = open_programs();
	if (!skel)
		return 1;
	err = load_programs(skel);
	err = err ?: monitor_open(skel->maps.events, on_event);
	err = err ?: attach_programs(skel);
	if (err)
		goto cleanup;

	output_begin();
	monitor_follow();
	proc_mon__detach(skel);
	monitor_drain();
	err = monitor_end(-writer_error(), skel->bss->lost_events);
	if (skel->bss->lost_processes)
		complain("lost the exits of %llu processes: there were more than %u at once",
			 skel->bss->lost_processes, bpf_map__max_entries(skel->maps.processes));

cleanup:
	monitor_close();
	proc_mon__destroy(skel);
	return err ? 1 : 0;
}
