// SPDX-License-Identifier: BSD-3-Clause
/*
 * Reads what btfhub/embed.py packed; the format is documented there. The program's file may be
 * damaged, so every size and offset is checked before it is used.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "runtime.h"

#define MAGIC "dBTF"
#define FORMAT 1
#define HEADER_SIZE 12
#define MAX_RAW_SIZE (4U << 20)
#define EXACT_ONLY 1
#define CAREFUL 2

/* The input that is left. A read past its end sets `at` to NULL, and all later reads fail. */
struct reader {
	const unsigned char *at, *end;
};

static const unsigned char *take(struct reader *reader, size_t size)
{
	const unsigned char *at = reader->at;

	if (at && size <= (size_t)(reader->end - at)) {
		reader->at += size;
		return at;
	}
	reader->at = NULL;
	return NULL;
}

static uint32_t little_endian(const unsigned char *at)
{
	return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t take_number(struct reader *reader)
{
	const unsigned char *at = take(reader, 4);

	return at ? little_endian(at) : 0;
}

static const char *take_text(struct reader *reader)
{
	const unsigned char *at = reader->at;
	const unsigned char *nul = at ? memchr(at, 0, reader->end - at) : NULL;

	return (const char *)take(reader, nul ? (size_t)(nul + 1 - at) : SIZE_MAX);
}

/* Returns false at the end of the input, or if the entry names a BTF that does not exist. */
static bool read_entry(struct reader *reader, struct droidbpf_entry *entry,
		       const struct reader *btfs, unsigned int n_btfs)
{
	uint32_t btf = take_number(reader);
	uint32_t flags = take_number(reader);

	entry->exact_only = flags & EXACT_ONLY;
	entry->careful = flags & CAREFUL;
	entry->month = take_number(reader);
	entry->sublevel = take_number(reader);
	entry->android = take_number(reader);
	entry->kmi = take_number(reader);
	entry->name = take_text(reader);
	entry->version = take_text(reader);
	entry->commit = take_text(reader);
	entry->release = take_text(reader);
	entry->builds = take_text(reader);
	if (!reader->at || btf >= n_btfs)
		return false;
	entry->btf = btfs[btf].at;
	entry->btf_size = btfs[btf].end - btfs[btf].at;
	return true;
}

/* Reads the number of BTFs and of entries, the BTFs with their sizes in front, the entries. */
static int read_raw(struct droidbpf_embedded *embedded, size_t size)
{
	struct reader reader = { embedded->raw, embedded->raw + size };
	uint32_t n_btfs = take_number(&reader);
	uint32_t n = take_number(&reader);
	struct reader *btfs;
	int err = -EBADMSG;

	/* Each takes more than one byte. */
	if (!reader.at || n_btfs > size || n > size)
		return -EBADMSG;
	btfs = calloc(n_btfs + 1, sizeof(*btfs));
	embedded->entries = calloc(n + 1, sizeof(*embedded->entries));
	if (!btfs || !embedded->entries) {
		err = -ENOMEM;
		goto out;
	}
	for (uint32_t i = 0; i < n_btfs; i++) {
		btfs[i].at = take(&reader, take_number(&reader));
		btfs[i].end = reader.at;
		if (!btfs[i].at)
			goto out;
	}
	for (; embedded->n < n; embedded->n++)
		if (!read_entry(&reader, &embedded->entries[embedded->n], btfs, n_btfs))
			goto out;
	if (reader.at == reader.end)
		err = 0;
out:
	free(btfs);
	return err;
}

int droidbpf_unpack(const unsigned char *data, size_t size, struct droidbpf_embedded *embedded)
{
	uLongf raw_size, inflated;
	int err;

	memset(embedded, 0, sizeof(*embedded));
	if (size < HEADER_SIZE || memcmp(data, MAGIC, 4) || little_endian(data + 4) != FORMAT)
		return -EBADMSG;
	raw_size = inflated = little_endian(data + 8);
	if (!raw_size || raw_size > MAX_RAW_SIZE)
		return -EBADMSG;
	embedded->raw = malloc(raw_size);
	if (!embedded->raw)
		return -ENOMEM;
	err = uncompress(embedded->raw, &inflated, data + HEADER_SIZE, size - HEADER_SIZE);
	if (err == Z_MEM_ERROR)
		err = -ENOMEM;
	else if (err != Z_OK || inflated != raw_size)
		err = -EBADMSG;
	else
		err = read_raw(embedded, raw_size);
	if (err)
		droidbpf_free(embedded);
	return err;
}

void droidbpf_free(struct droidbpf_embedded *embedded)
{
	free(embedded->entries);
	free(embedded->raw);
	memset(embedded, 0, sizeof(*embedded));
}
