/* SPDX-License-Identifier: BSD-3-Clause */
/* The ring buffer of events and the filters that all monitors have. Include after vmlinux.h. */
#ifndef MONITOR_BPF_H
#define MONITOR_BPF_H

#include <bpf/bpf_helpers.h>

#include "monitor_shared.h"

/* Set before load, so that the verifier removes the code of unused filters. */
const volatile struct monitor_filters monitor_filters;

/* Events dropped because the ring buffer was full. */
__u64 monitor_lost_events;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1);
} monitor_events SEC(".maps");

/* A set of IDs; the values have no meaning. */
struct monitor_id_set {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8);
};

struct monitor_id_set monitor_tgids SEC(".maps");
struct monitor_id_set monitor_uids SEC(".maps");
struct monitor_id_set monitor_others SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, char[MONITOR_COMM_LEN]);
	__type(value, __u8);
} monitor_comms SEC(".maps");

#endif
