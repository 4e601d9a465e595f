/* SPDX-License-Identifier: BSD-3-Clause */
/* What a monitor does from its start to its end but for what its events are. */
#ifndef MONITOR_H
#define MONITOR_H

#include <stdbool.h>
#include <sys/stat.h>

#include <bpf/libbpf.h>

#include "common_options.h"

/* Events that were shown. */
extern unsigned long long monitor_seen;

/* After the options: signals, and what libbpf says. */
void monitor_begin(void);

/* False in a PID namespace of its own: the IDs of events are those of the first. */
bool in_first_pid_namespace(struct stat *ns);

/* Makes a filter's map as large as its keys need, before the load. */
void size_set(struct bpf_map *map, const struct key_list *list);

/* Puts the keys in, after the load. 0 or a negative errno. */
int fill_set(const struct bpf_map *map, const struct key_list *list);

void complain_of_load(int err);

/* Opens the ring buffer. Says why if it cannot be. 0 or a negative errno. */
int monitor_open(const struct bpf_map *events, ring_buffer_sample_fn on_event);

/* What on_event gives when it has done with an event. */
int monitor_verdict(void);

/* Says that it is ready, and takes events until there is a reason to end. */
void monitor_follow(void);

/* Takes those that are left, once the programs are detached. */
void monitor_drain(void);

/* Says what stdout's error is (0 or a negative errno) and what was lost. 0 if all went well. */
int monitor_end(int err, unsigned long long lost_events);

void monitor_close(void);

#endif
