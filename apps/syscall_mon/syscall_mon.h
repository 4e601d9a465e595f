/* SPDX-License-Identifier: BSD-3-Clause */
/* What the BPF programs and the user side of syscall_mon share. */
#ifndef SYSCALL_MON_H
#define SYSCALL_MON_H

#include "monitor_shared.h"

/* Which of the two syscall tables of the architecture a number belongs to. */
enum abi { ABI_NATIVE, ABI_COMPAT, ABIS };

/*
 * Every (ABI, number) has a slot, the index into the filter and the summary. Each ABI has ABI_SLOTS
 * of them: for the numbers below PRIVATE_SLOT, for arm's few from ARM_PRIVATE_BASE on (cacheflush,
 * set_tls), and one for all other numbers.
 */
#define ABI_SLOTS 512
#define SLOTS (ABIS * ABI_SLOTS)
#define PRIVATE_SLOT 500
#define UNKNOWN_SLOT (ABI_SLOTS - 1)
#define ARM_PRIVATE_BASE 0x0f0000U

#define IS_PRIVATE(number) ((number) - ARM_PRIVATE_BASE < UNKNOWN_SLOT - PRIVATE_SLOT)
#define SLOT_IN_ABI(number)                                                                        \
	((number) < PRIVATE_SLOT ? (number) :                                                      \
	 IS_PRIVATE(number)	 ? (number) - ARM_PRIVATE_BASE + PRIVATE_SLOT :                    \
				   UNKNOWN_SLOT)

static inline unsigned int syscall_slot(unsigned int abi, unsigned int number)
{
	return abi * ABI_SLOTS + SLOT_IN_ABI(number);
}

static inline _Bool is_error(long long ret)
{
	return ret < 0 && ret >= -4095; /* MAX_ERRNO */
}

/* One finished syscall: 56 bytes, 64 with the ring buffer's own header. */
struct event {
	unsigned long long exit_ns; /* CLOCK_MONOTONIC */
	unsigned long long runtime_ns : 63;
	unsigned long long abi : 1;
	long long ret;
	unsigned int tgid;
	unsigned int tid;
	unsigned int uid;
	int number;
	char comm[MONITOR_COMM_LEN]; /* may contain any byte */
};

/* hist[i] counts run times of 2^i to 2^(i+1)-1 ns; the first also 0, the last also longer ones. */
#define HIST_BUCKETS 36

struct stats {
	unsigned long long count;
	unsigned long long errors;
	unsigned long long total_ns;
	unsigned long long max_ns;
	unsigned long long hist[HIST_BUCKETS];
};

static inline void add_to_stats(struct stats *stats, unsigned long long runtime_ns, _Bool failed)
{
	unsigned long long value = runtime_ns;
	unsigned int log = 0;

	stats->count++;
	stats->errors += failed;
	stats->total_ns += runtime_ns;
	if (runtime_ns > stats->max_ns)
		stats->max_ns = runtime_ns;
	for (int bits = 32; bits; bits >>= 1)
		if (value >> bits) {
			value >>= bits;
			log += bits;
		}
	stats->hist[log < HIST_BUCKETS ? log : HIST_BUCKETS - 1]++;
}

#endif
