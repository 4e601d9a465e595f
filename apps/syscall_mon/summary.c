// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "summary.h"
#include "syscalls.h"
#include "writer.h"

#define BAR_WIDTH 40
#define ROW_MAX 4096 /* no row is longer as JSON or CSV */

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

static const char *name_of_slot(unsigned int slot)
{
	int number = number_of_slot(slot);

	return number < 0 ? "unknown" : syscall_name(abi_of_slot(slot), number);
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
	writer_printf("%26s : %-10s distribution\n", "nsecs", "count");
	for (int i = first; i <= last; i++) {
		int stars = (double)stats->hist[i] * BAR_WIDTH / most;

		writer_printf("%11llu -> %-11llu : %-10llu |%.*s%*s|\n", bucket_from(i),
		       (1ULL << (i + 1)) - 1, stats->hist[i], stars,
		       "****************************************", BAR_WIDTH - stars, "");
	}
}

static void print_text(const unsigned int *order, unsigned int n)
{
	writer_printf("%-24s %-6s %6s %10s %10s %14s %12s %12s\n", "syscall", "abi", "number", "count",
	       "errors", "total_us", "mean_us", "max_us");
	for (unsigned int i = 0; i < n; i++) {
		const struct stats *stats = &table[order[i]];

		writer_printf("%-24s %-6s %6d %10llu %10llu %14.3f %12.3f %12.3f\n",
		       name_of_slot(order[i]), abi_name(abi_of_slot(order[i])),
		       number_of_slot(order[i]), stats->count, stats->errors, stats->total_ns / 1e3,
		       stats->total_ns / 1e3 / stats->count, stats->max_ns / 1e3);
	}
	for (unsigned int i = 0; i < n; i++) {
		writer_printf("\n%s (%s)\n", name_of_slot(order[i]), abi_name(abi_of_slot(order[i])));
		print_histogram(&table[order[i]]);
	}
}

/* Writes the lower bounds (ns) of the buckets that are not empty, and their counts. */
static void put_histogram(const struct stats *stats)
{
	const bool json = writer_format == WRITER_JSON;
	const char *before = "";

	writer_name("histogram_ns");
	writer_printf(json ? "{" : "");
	for (int i = 0; i < HIST_BUCKETS; i++) {
		if (!stats->hist[i])
			continue;
		writer_printf(json ? "%s\"%llu\":%llu" : "%s%llu:%llu", before, bucket_from(i),
			      stats->hist[i]);
		before = json ? "," : " ";
	}
	writer_printf(json ? "}" : "");
}

static void put_row(unsigned int slot)
{
	const struct stats *stats = &table[slot];

	if (!writer_begin_line(ROW_MAX))
		return;
	writer_word("abi", abi_name(abi_of_slot(slot)));
	writer_signed("syscall_number", number_of_slot(slot));
	writer_word("syscall_name", name_of_slot(slot));
	writer_unsigned("count", stats->count);
	writer_unsigned("errors", stats->errors);
	writer_unsigned("total_ns", stats->total_ns);
	writer_unsigned("mean_ns", stats->total_ns / stats->count);
	writer_unsigned("max_ns", stats->max_ns);
	put_histogram(stats);
	writer_end_line();
}

void summary_print(void)
{
	unsigned int order[SLOTS], n = 0;

	for (unsigned int slot = 0; slot < SLOTS; slot++)
		if (table[slot].count)
			order[n++] = slot;
	qsort(order, n, sizeof(*order), by_total);
	if (writer_format == WRITER_TEXT)
		print_text(order, n);
	writer_header("abi,syscall_number,syscall_name,count,errors,total_ns,mean_ns,max_ns,"
		      "histogram_ns");
	for (unsigned int i = 0; i < n && writer_format != WRITER_TEXT; i++)
		put_row(order[i]);
	writer_flush();
}
