// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include <bpf/bpf.h>

#include "container.h"
#include "rules.h"

#define KEYS_PER_RULE 2

/* Leaves room for the NUL, and for one byte more: a truncated text must not look whole. */
#define VALUE_MAX (sizeof(((struct rule_key *)NULL)->text) - 2)

struct key {
	struct rule_key key;
	unsigned int rule;
};

static const char *texts[MAX_RULES];
static unsigned int n_rules;
static struct key keys[MAX_RULES * KEYS_PER_RULE];
static size_t n_keys;

static void add_key(enum subject subject, const char *text, size_t len)
{
	struct key *key = &keys[n_keys++];

	key->rule = n_rules;
	key->key.bits = 8 * (sizeof(key->key.subject) + len);
	key->key.subject = subject;
	memcpy(key->key.text, text, len);
}

static void add_whole(enum subject subject, const char *text)
{
	add_key(subject, text, strlen(text) + 1);
}

static const char *add_comm(const char *comm)
{
	if (strlen(comm) >= MONITOR_COMM_LEN)
		return "a process name has at most 15 bytes";
	add_whole(SUBJECT_COMM, comm);
	return NULL;
}

/* If it ends with a slash, everything below it. */
static const char *add_path(const char *path)
{
	size_t len = strlen(path);

	if (*path != '/')
		return "expected an absolute path";
	if (path[len - 1] == '/')
		add_key(SUBJECT_PATH, path, len);
	else
		add_whole(SUBJECT_PATH, path);
	return NULL;
}

/* A path and everything below it; or a name in the path; or a container's ID, maybe shortened. */
static const char *add_cgroup(const char *cgroup)
{
	char below[VALUE_MAX + 2];
	size_t len = strlen(cgroup);

	if (*cgroup != '/') {
		if (strchr(cgroup, '/'))
			return "expected an absolute path, or a name without '/'";
		add_whole(SUBJECT_CGROUP_NAME, cgroup);
		if (container_is_id(cgroup))
			add_key(SUBJECT_CONTAINER, cgroup, len);
		return NULL;
	}
	while (cgroup[len - 1] == '/')
		len--;
	memcpy(below, cgroup, len);
	below[len] = '\0';
	add_whole(SUBJECT_CGROUP, below);
	below[len] = '/';
	add_key(SUBJECT_CGROUP, below, len + 1);
	return NULL;
}

const char *rules_add(const char *text)
{
	static const struct {
		const char *begin;
		const char *(*add)(const char *value);
	} kinds[] = {
		{ "comm=", add_comm },
		{ "path=", add_path },
		{ "cgroup=", add_cgroup },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		size_t begin = strlen(kinds[i].begin);
		const char *value = text + begin, *problem;

		if (strncmp(text, kinds[i].begin, begin))
			continue;
		if (!*value)
			return "it has no value";
		if (strspn(value, "/") == strlen(value))
			return "it would deny everything";
		if (strlen(value) > VALUE_MAX)
			return "its value is longer than 253 bytes";
		if (n_rules == MAX_RULES)
			return "there are already 64 rules, the maximum";
		problem = kinds[i].add(value);
		if (!problem)
			texts[n_rules++] = text;
		return problem;
	}
	return "expected comm=NAME, path=PATH or cgroup=CGROUP";
}

const char *rules_text(unsigned int rule)
{
	return rule < n_rules ? texts[rule] : NULL;
}

size_t rules_count_keys(void)
{
	return n_keys;
}

bool rules_match_on(enum subject subject)
{
	for (size_t i = 0; i < n_keys; i++)
		if (keys[i].key.subject == subject)
			return true;
	return false;
}

int rules_load(int map_fd)
{
	int err = 0;

	for (size_t i = 0; i < n_keys && !err; i++)
		err = bpf_map_update_elem(map_fd, &keys[i].key, &keys[i].rule, BPF_ANY);
	return err;
}
