// SPDX-License-Identifier: BSD-3-Clause
/*
 * Runs the parts of btfhub/runtime that need no kernel on this machine:
 *
 *	match FILE		for each release on stdin: its parts, the best rank and name
 *	list FILE		what is embedded, one entry per line, and its summary
 *	fuzz FILE SEED N	reads N damaged copies
 *	assemble FIELD		the probe's program, by lines; field i is at FIELD + i
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "probe.h"
#include "runtime.h"

#define HEADER 12

static unsigned char *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	unsigned char *data;

	if (!file || fseek(file, 0, SEEK_END))
		exit(3);
	*size = ftell(file);
	rewind(file);
	data = malloc(*size ? *size : 1);
	if (fread(data, 1, *size, file) != *size)
		exit(3);
	fclose(file);
	return data;
}

static void match(const struct droidbpf_embedded *embedded)
{
	char line[4096];

	while (fgets(line, sizeof(line), stdin)) {
		struct droidbpf_release r;
		const struct droidbpf_entry *best;
		enum droidbpf_rank rank;

		line[strcspn(line, "\n")] = '\0';
		if (!droidbpf_parse_release(line, &r)) {
			puts("none");
			continue;
		}
		best = droidbpf_best(embedded, &r, &rank);
		printf("%s|%d|%d|%d|%s|%s|%d|%s\n", r.version, r.sublevel, r.android, r.kmi,
		       r.commit, r.build, rank, best ? best->name : "");
	}
}

static void list(const struct droidbpf_embedded *embedded)
{
	struct droidbpf_text text = {};

	for (unsigned int i = 0; i < embedded->n; i++) {
		const struct droidbpf_entry *e = &embedded->entries[i];

		printf("%s|%s|%d|%d|%d|%u|%d|%s|%s|%s|%d|%lu\n", e->name, e->version, e->android,
		       e->kmi, e->sublevel, e->month, e->exact_only, e->commit, e->builds,
		       e->release, e->careful, crc32(0, e->btf, e->btf_size));
	}
	droidbpf_summarize(embedded, &text);
	puts(text.text);
}

static unsigned int next;

static unsigned int any(unsigned int below)
{
	next = next * 1103515245 + 12345;
	return (next >> 8) % below;
}

static void damage(unsigned char *data, size_t *size)
{
	static const unsigned char nice[] = { 0, 1, 0x7f, 0x80, 0xff };

	for (unsigned int n = 1 + any(4); n && *size; n--) {
		size_t at = any(2) ? any(*size) : any(*size < 64 ? *size : 64);

		switch (any(4)) {
		case 0:
			data[at] ^= 1 << any(8);
			break;
		case 1:
			data[at] = nice[any(sizeof(nice))];
			break;
		case 2:
			memset(data + at, any(2) ? 0xff : 0, *size - at < 4 ? *size - at : 4);
			break;
		default:
			if (!any(4))
				*size = at;
		}
	}
}

/* Reads everything that it points to. */
static size_t use(const struct droidbpf_embedded *embedded, char *release)
{
	enum droidbpf_rank rank = RANK_NOTHING;
	struct droidbpf_text text = {};
	struct droidbpf_release r;
	size_t sum = 0;

	for (unsigned int i = 0; i < embedded->n; i++) {
		const struct droidbpf_entry *e = &embedded->entries[i];

		sum += crc32(0, e->btf, e->btf_size) + strlen(e->name) + strlen(e->release);
	}
	if (droidbpf_parse_release(release, &r))
		sum += droidbpf_best(embedded, &r, &rank) != NULL;
	droidbpf_summarize(embedded, &text);
	return sum + rank + strlen(text.text);
}

static void fuzz(const unsigned char *data, size_t size, unsigned int times)
{
	static const char first[] = "5.10.101-android12-9-00004-g0123456789ab-ab8602202-x";
	uLongf raw_size = 4 << 20, packed_size;
	unsigned char *raw = malloc(raw_size), *mutant = malloc(raw_size), *packed;
	size_t accepted = 0, sum = 0;

	if (uncompress(raw, &raw_size, data + HEADER, size - HEADER) != Z_OK)
		exit(3);
	packed = malloc(HEADER + compressBound(raw_size));
	for (; times; times--) {
		struct droidbpf_embedded embedded;
		size_t mutant_size = raw_size, text_size = sizeof(first) - 1;
		unsigned char release[sizeof(first)];

		memcpy(release, first, sizeof(first));
		damage(release, &text_size);
		release[text_size] = '\0';
		memcpy(packed, data, HEADER);
		if (any(8)) {
			memcpy(mutant, raw, raw_size);
			damage(mutant, &mutant_size);
			for (int i = 0; i < 4; i++)
				packed[8 + i] = mutant_size >> 8 * i;
			packed_size = compressBound(mutant_size);
			compress2(packed + HEADER, &packed_size, mutant, mutant_size, 0);
			mutant_size = HEADER + packed_size;
		} else {
			memcpy(packed, data, mutant_size = size);
			damage(packed, &mutant_size);
		}
		/* Exactly sized, so that the sanitizer sees a read past the end. */
		unsigned char *exact = malloc(mutant_size ? mutant_size : 1);

		memcpy(exact, packed, mutant_size);
		if (!droidbpf_unpack(exact, mutant_size, &embedded)) {
			accepted++;
			sum += use(&embedded, (char *)release);
			droidbpf_free(&embedded);
		}
		free(exact);
	}
	printf("%zu accepted\n", accepted);
	fprintf(stderr, "%zu\n", sum);
	free(raw);
	free(mutant);
	free(packed);
}

static int assemble(int bytes, bool only_tgid)
{
	struct bpf_insn *code = malloc(PROBE_INSNS * sizeof(*code));
	uint32_t offsets[N_FIELDS];
	int n;

	for (int i = 0; i < N_FIELDS; i++)
		offsets[i] = bytes + i;
	n = droidbpf_assemble(code, 77, offsets, only_tgid);
	for (int i = 0; i < n; i++)
		printf("%02x r%d r%d %d %d\n", code[i].code, code[i].dst_reg, code[i].src_reg,
		       code[i].off, code[i].imm);
	free(code);
	return 0;
}

int main(int argc, char **argv)
{
	struct droidbpf_embedded embedded;
	unsigned char *data;
	size_t size;
	int err;

	if (argc < 3)
		return 3;
	if (!strcmp(argv[1], "assemble"))
		return assemble(atoi(argv[2]), argc > 3);
	data = read_file(argv[2], &size);
	if (!strcmp(argv[1], "fuzz") && argc == 5) {
		next = atoi(argv[3]);
		fuzz(data, size, atoi(argv[4]));
		free(data);
		return 0;
	}
	err = droidbpf_unpack(data, size, &embedded);
	free(data);
	if (err) {
		printf("%d\n", err);
		return 1;
	}
	if (!strcmp(argv[1], "match"))
		match(&embedded);
	else
		list(&embedded);
	droidbpf_free(&embedded);
	return 0;
}
