/* SPDX-License-Identifier: BSD-3-Clause */
/* What the BPF programs and the user side of proc_mon share. */
#ifndef PROC_MON_H
#define PROC_MON_H

#include "monitor_shared.h"

#define PATH_LEN 256 /* including the NUL, like the next; longer ones are truncated */
#define CGROUP_LEN 512
#define MAX_RULES 64
#define NO_RULE MAX_RULES

enum kind { KIND_EXEC, KIND_EXIT, KIND_DENY, KINDS };

/* What a --deny rule matches; the last two match the names in a cgroup's path. */
enum subject { SUBJECT_COMM, SUBJECT_PATH, SUBJECT_CGROUP, SUBJECT_CGROUP_NAME, SUBJECT_CONTAINER };

/* The number of hexadecimal digits in the IDs of Docker, containerd, Podman and CRI-O. */
#define CONTAINER_ID_LEN 64

/*
 * The key of a rule in a trie, which matches by prefix. A text that must match as a whole includes
 * its NUL. A trie takes at most 256 bytes of data.
 */
struct rule_key {
	unsigned int bits; /* length of the rest of the key */
	unsigned char subject;
	char text[PATH_LEN - 1];
};

struct event {
	unsigned long long ns; /* CLOCK_MONOTONIC, like the next */
	unsigned long long start_ns; /* of the process */
	unsigned int kind;
	unsigned int tgid;
	unsigned int ppid;
	unsigned int uid;
	unsigned int gid;
	unsigned int status; /* as wait() returns it */
	unsigned int rule; /* number of the matching rule, or NO_RULE */
	int error; /* why a denied process could not be killed, or 0 */
	char comm[MONITOR_COMM_LEN]; /* these three may contain any byte */
	char path[PATH_LEN]; /* empty: unknown */
	char cgroup[CGROUP_LEN];
};

#endif
