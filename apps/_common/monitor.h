/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a monitor from start to end, whatever its events are. */
#ifndef MONITOR_H
#define MONITOR_H

#include <stdbool.h>
#include <sys/stat.h>

#include <bpf/libbpf.h>

#include "monitor_options.h"
#include "monitor_shared.h"

/* The number of events shown so far. */
extern unsigned long long monitor_seen;

/* Sets up signal handling and libbpf's messages. Call it after parsing the options. */
void monitor_begin(void);

/*
 * Returns whether this process is in the initial PID namespace, whose IDs the events carry. Stores
 * the namespace's device and inode in ns.
 */
bool monitor_in_first_pid_ns(struct stat *ns);

/* Returns which filters the options ask for. */
struct monitor_filters monitor_filters(void);

/*
 * Loads the BPF programs, fills the maps of the filters, and opens the ring buffer. Returns 0, or a
 * negative errno after printing the reason.
 */
int monitor_load(struct bpf_object_skeleton *programs, ring_buffer_sample_fn on_event);

/* The value for on_event to return once it has handled an event. */
int monitor_verdict(void);

/*
 * Signals readiness (--ready-fd) and handles events until there is a reason to stop. Then it
 * detaches the programs and handles the remaining events.
 */
void monitor_follow(struct bpf_object_skeleton *programs);

/*
 * Reports a failed write to stdout and the number of lost events. Returns whether the write failed,
 * for another reason than that the reader of stdout left.
 */
int monitor_end(unsigned long long lost_events);

void monitor_close(void);

#endif
