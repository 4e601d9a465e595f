// SPDX-License-Identifier: BSD-3-Clause
/*
 * Runs the parts of btfhub/runtime that need no kernel on this machine:
 *
 *	match FILE		for each release on stdin: its parts, the best rank and name
 *	list FILE		what is embedded, one entry per line, and its summary
 *	fuzz FILE SEED N	reads N copies, each with some damage
 *	assemble FIELD		the probe's program, by lines; field i is at FIELD + i
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "probe.h"
#include "runtime.h"

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
	for (unsigned int i = 0; i < embedded->n; i++) {
		const struct droidbpf_entry *e = &embedded->entries[i];
		const unsigned char *btf = (const unsigned char *)embedded + e->btf;

		printf("%s|%s|%d|%d|%d|%d|%s|%s|%s|%d|%lu\n", e->name, e->version, e->android,
		       e->kmi, e->sublevel, e->exact_only, e->commit, e->builds,
		       e->release, e->careful, crc32(0, btf, e->btf_size));
	}
	puts((const char *)&embedded->entries[embedded->n]);
}

static unsigned int next;

static unsigned int any(unsigned int below)
{
	next = next * 1103515245 + 12345;
	return (next >> 8) % below;
}

static void damage(unsigned char *data, size_t size)
{
	static const unsigned char nice[] = { 0, 1, 0x7f, 0x80, 0xff };

	for (unsigned int n = 1 + any(4); n; n--) {
		size_t at = any(2) ? any(size) : any(size < 64 ? size : 64);

		switch (any(3)) {
		case 0:
			data[at] ^= 1 << any(8);
			break;
		case 1:
			data[at] = nice[any(sizeof(nice))];
			break;
		default:
			memset(data + at, any(2) ? 0xff : 0, size - at < 4 ? size - at : 4);
		}
	}
}

static void fuzz(const unsigned char *data, size_t size, unsigned int times)
{
	/* Exactly sized, so that the sanitizer sees a read past the end. */
	unsigned char *mutant = malloc(size);
	struct droidbpf_embedded *embedded, *other;
	unsigned int unnoticed = 0, refused = 0;
	uint32_t raw_size;

	memcpy(&raw_size, data, sizeof(raw_size));
	if (droidbpf_unpack(data, size, &embedded))
		exit(3);
	for (; times; times--) {
		memcpy(mutant, data, size);
		damage(mutant + sizeof(raw_size), size - sizeof(raw_size));
		if (droidbpf_unpack(mutant, size, &other)) {
			refused++;
			continue;
		}
		unnoticed += memcmp(embedded, other, raw_size) != 0;
		free(other);
	}
	printf("%u unnoticed, %u refused\n", unnoticed, refused);
	free(embedded);
	free(mutant);
}

static int assemble(int bytes)
{
	struct bpf_insn *code = malloc(PROBE_INSNS * sizeof(*code));
	uint32_t offsets[N_FIELDS];
	int n;

	for (int i = 0; i < N_FIELDS; i++)
		offsets[i] = bytes + i;
	n = droidbpf_assemble(code, 77, offsets);
	for (int i = 0; i < n; i++)
		printf("%02x r%d r%d %d %d\n", code[i].code, code[i].dst_reg, code[i].src_reg,
		       code[i].off, code[i].imm);
	free(code);
	return 0;
}

int main(int argc, char **argv)
{
	struct droidbpf_embedded *embedded;
	unsigned char *data;
	size_t size;
	int err;

	if (argc < 3)
		return 3;
	if (!strcmp(argv[1], "assemble"))
		return assemble(atoi(argv[2]));
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
		match(embedded);
	else
		list(embedded);
	free(embedded);
	return 0;
}
