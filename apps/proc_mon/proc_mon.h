/* SPDX-License-Identifier: BSD-3-Clause */
/* What the BPF programs and the user side of proc_mon share. */
#ifndef PROC_MON_H
#define PROC_MON_H

#include "comm.h"

#define PATH_LEN 256 /* with the NUL, as all of these: longer ones are cut */
#define CGROUP_LEN 512
#define MAX_RULES 64
#define NO_RULE MAX_RULES

enum kind { KIND_EXEC, KIND_EXIT, KIND_DENY, KINDS };

/* What a --deny rule looks at: the last two at the names that a cgroup's path is made of. */
enum subject { SUBJECT_COMM, SUBJECT_PATH, SUBJECT_CGROUP, SUBJECT_CGROUP_NAME, SUBJECT_CONTAINER };

/* The hexadecimal digits that Docker, containerd, Podman and CRI-O name a container by. */
#define CONTAINER_ID_LEN 64

/*
 * The key of a rule in a trie: what begins like it matches. A text that is to match as a whole
 * has its NUL in it. 256 bytes of data are the most that a trie takes.
 */
struct rule_key {
	unsigned int bits; /* of what follows */
	unsigned char subject;
	char text[PATH_LEN - 1];
};

struct event {
	unsigned long long ns; /* CLOCK_MONOTONIC, as the next */
	unsigned long long start_ns; /* of the process */
	unsigned int kind;
	unsigned int tgid;
	unsigned int ppid;
	unsigned int uid;
	unsigned int gid;
	unsigned int status; /* as wait() has it */
	unsigned int rule; /* its number, NO_RULE if none matches */
	int error; /* why a process was not killed that was to be, 0 if it was */
	char comm[COMM_LEN]; /* these three as their owners wrote them: any byte */
	char path[PATH_LEN]; /* empty: not known */
	char cgroup[CGROUP_LEN];
};

#endif
