/* SPDX-License-Identifier: BSD-3-Clause */
/* The ring buffer of events and the filters that all monitors have. Comes after vmlinux.h. */
#ifndef MONITOR_BPF_H
#define MONITOR_BPF_H

#include <bpf/bpf_helpers.h>

#include "comm.h"

/* Set before the load: the verifier drops the code of what is not asked for. */
const volatile bool filter_tgid;
const volatile bool filter_uid;
const volatile bool filter_comm;

/* What was to be reported and is not: no space in the ring buffer. */
__u64 lost_events;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1);
} events SEC(".maps");

/* The sets of the filters; the values say nothing. */
struct id_set {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8);
};

struct id_set tgids SEC(".maps");
struct id_set uids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, char[COMM_LEN]);
	__type(value, __u8);
} comms SEC(".maps");

#endif
