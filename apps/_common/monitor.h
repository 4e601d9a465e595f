/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a monitor from start to end, whatever its events are. */
#ifndef MONITOR_H
#define MONITOR_H

#include <stdbool.h>
#include <sys/stat.h>

#include <bpf/libbpf.h>

#include "monitor_options.h"

/* The number of events shown so far. */
extern unsigned long long monitor_seen;

/* Sets up signal handling and libbpf's messages. Call it after parsing the options. */
void monitor_begin(void);

/*
 * Returns whether this process is in the initial PID namespace, whose IDs the events carry. Stores
 * the namespace's device and inode in ns.
 */
bool monitor_in_first_pid_ns(struct stat *ns);

/* Makes a filter's map large enough for its keys, before load. */
void monitor_size_set(struct bpf_map *map, const struct monitor_keys *list);

/* Adds the keys to the map, after load. Returns 0 or a negative errno. */
int monitor_fill_set(const struct bpf_map *map, const struct monitor_keys *list);

/* Prints why the BPF programs failed to load. */
void monitor_explain_load(int err);

/* Opens the ring buffer. Returns 0, or a negative errno after printing the reason. */
int monitor_open(const struct bpf_map *events, ring_buffer_sample_fn on_event);

/* The value for on_event to return once it has handled an event. */
int monitor_verdict(void);

/* Signals readiness (--ready-fd) and handles events until there is a reason to stop. */
void monitor_follow(void);

/* Handles the remaining events after the programs are detached. */
void monitor_drain(void);

/*
 * Reports a failed write to stdout and the number of lost events. Returns whether the write failed,
 * for another reason than that the reader of stdout left.
 */
int monitor_end(unsigned long long lost_events);

void monitor_close(void);

#endif
