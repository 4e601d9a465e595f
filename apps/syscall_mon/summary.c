// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "summary.h"
#include "syscalls.h"

#define BAR_WIDTH 40

static struct stats table[SLOTS];

void summary_add(const struct event *event)
{
	struct stats *stats = &table[syscall_slot(event->abi, event->number)];

	add_to_stats(stats, event->runtime_ns, is_error(event->ret));
}

int summary_read(int map_fd)
{
	int cpus = libbpf_num_possible_cpus(), err = 0;
	struct stats *per_cpu;

	if (cpus < 0)
		return cpus;
	per_cpu = calloc(cpus, sizeof(*per_cpu));
	if (!per_cpu)
		return -ENOMEM;
	for (unsigned int slot = 0; slot < SLOTS && !err; slot++) {
		struct stats *sum = &table[slot];

		err = bpf_map_lookup_elem(map_fd, &slot, per_cpu);
		for (struct stats *cpu = per_cpu; cpu < per_cpu + cpus && !err; cpu++) {
			sum->count += cpu->count;
			sum->errors += cpu->errors;
			sum->total_ns += cpu->total_ns;
			if (cpu->max_ns > sum->max_ns)
				sum->max_ns = cpu->max_ns;
			for (int i = 0; i < HIST_BUCKETS; i++)
				sum->hist[i] += cpu->hist[i];
		}
	}
	free(per_cpu);
	return err;
}

static enum abi abi_of_slot(unsigned int slot)
{
	return slot / ABI_SLOTS;
}

/* Returns the inverse of syscall_slot(), or -1 for the slot that many numbers share. */
static int number_of_slot(unsigned int slot)
{
	unsigned int index = slot % ABI_SLOTS;

	if (index == UNKNOWN_SLOT)
		return -1;
	return index < PRIVATE_SLOT ? index : index - PRIVATE_SLOT + ARM_PRIVATE_BASE;
}

/* "unknown" is for all numbers that share the slot. The text is valid until the next call. */
static const char *name_of_slot(unsigned int slot)
{
	static char text[sizeof("unknown_") + 11];
	int number = number_of_slot(slot);
	const char *name = number < 0 ? "unknown" : syscall_name(abi_of_slot(slot), number);

	if (name)
		return name;
	snprintf(text, sizeof(text), "unknown_%d", number);
	return text;
}

static int by_total(const void *a, const void *b)
{
	const struct stats *left = &table[*(const unsigned int *)a];
	const struct stats *right = &table[*(const unsigned int *)b];

	if (left->total_ns != right->total_ns)
		return left->total_ns < right->total_ns ? 1 : -1;
	return left < right ? -1 : 1;
}

static unsigned long long bucket_from(int bucket)
{
	return bucket ? 1ULL << bucket : 0;
}

static void print_histogram(const struct stats *stats)
{
	unsigned long long most = 0;
	int first = HIST_BUCKETS, last = 0;

	for (int i = 0; i < HIST_BUCKETS; i++) {
		if (!stats->hist[i])
			continue;
		if (first == HIST_BUCKETS)
			first = i;
		last = i;
		if (stats->hist[i] > most)
			most = stats->hist[i];
	}
	printf("%26s : %-10s distribution\n", "nsecs", "count");
	for (int i = first; i <= last; i++) {
		int stars = (double)stats->hist[i] * BAR_WIDTH / most;

		printf("%11llu -> %-11llu : %-10llu |%.*s%*s|\n", bucket_from(i),
		       (1ULL << (i + 1)) - 1, stats->hist[i], stars,
		       "****************************************", BAR_WIDTH - stars, "");
	}
}

static void print_text(const unsigned int *order, unsigned int n)
{
	printf("%-24s %-6s %6s %10s %10s %14s %12s %12s\n", "syscall", "abi", "number", "count",
	       "errors", "total_us", "mean_us", "max_us");
	for (unsigned int i = 0; i < n; i++) {
		const struct stats *stats = &table[order[i]];

		printf("%-24s %-6s %6d %10llu %10llu %14.3f %12.3f %12.3f\n",
		       name_of_slot(order[i]), abi_name(abi_of_slot(order[i])),
		       number_of_slot(order[i]), stats->count, stats->errors, stats->total_ns / 1e3,
		       stats->total_ns / 1e3 / stats->count, stats->max_ns / 1e3);
	}
	for (unsigned int i = 0; i < n; i++) {
		printf("\n%s (%s)\n", name_of_slot(order[i]), abi_name(abi_of_slot(order[i])));
		print_histogram(&table[order[i]]);
	}
}

/* Prints pairs of a bucket's lower bound (ns) and its count. */
static void print_buckets(const struct stats *stats, const char *pair, const char *separator)
{
	const char *before = "";

	for (int i = 0; i < HIST_BUCKETS; i++) {
		if (!stats->hist[i])
			continue;
		printf("%s", before);
		printf(pair, bucket_from(i), stats->hist[i]);
		before = separator;
	}
}

static void print_json(const unsigned int *order, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct stats *stats = &table[order[i]];

		printf("{\"abi\":\"%s\",\"syscall_number\":%d,\"syscall_name\":\"%s\","
		       "\"count\":%llu,\"errors\":%llu,\"total_ns\":%llu,\"mean_ns\":%llu,"
		       "\"max_ns\":%llu,\"histogram_ns\":{",
		       abi_name(abi_of_slot(order[i])), number_of_slot(order[i]),
		       name_of_slot(order[i]), stats->count, stats->errors, stats->total_ns,
		       stats->total_ns / stats->count, stats->max_ns);
		print_buckets(stats, "\"%llu\":%llu", ",");
		printf("}}\n");
	}
}

static void print_csv(const unsigned int *order, unsigned int n)
{
	printf("abi,syscall_number,syscall_name,count,errors,total_ns,mean_ns,max_ns,"
	       "histogram_ns\n");
	for (unsigned int i = 0; i < n; i++) {
		const struct stats *stats = &table[order[i]];

		printf("%s,%d,%s,%llu,%llu,%llu,%llu,%llu,", abi_name(abi_of_slot(order[i])),
		       number_of_slot(order[i]), name_of_slot(order[i]), stats->count,
		       stats->errors, stats->total_ns, stats->total_ns / stats->count,
		       stats->max_ns);
		print_buckets(stats, "%llu:%llu", " ");
		printf("\n");
	}
}

int summary_print(enum writer_format format)
{
	unsigned int order[SLOTS], n = 0;

	for (unsigned int slot = 0; slot < SLOTS; slot++)
		if (table[slot].count)
			order[n++] = slot;
	qsort(order, n, sizeof(*order), by_total);
	if (format == WRITER_TEXT)
		print_text(order, n);
	else if (format == WRITER_JSON)
		print_json(order, n);
	else
		print_csv(order, n);
	if (fflush(stdout) || ferror(stdout))
		return errno ? -errno : -EIO;
	return 0;
}
