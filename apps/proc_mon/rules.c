// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include <bpf/bpf.h>

#include "container.h"
#include "rules.h"

#define KEYS_OF_A_RULE 2

/* A whole text in a key has its NUL, and one that was cut must not look whole. */
#define VALUE_MAX (sizeof(((struct rule_key *)NULL)->text) - 2)

struct key {
	struct rule_key key;
	unsigned int rule;
};

static const char *texts[MAX_RULES];
static unsigned int n_rules;
static struct key keys[MAX_RULES * KEYS_OF_A_RULE];
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
	if (strlen(comm) >= COMM_LEN)
		return "a process's name has 15 bytes at most";
	add_whole(SUBJECT_COMM, comm);
	return NULL;
}

/* All below it, too, if it ends with a slash. */
static const char *add_path(const char *path)
{
	size_t len = strlen(path);

	if (*path != '/')
		return "a path from the root is needed";
	if (path[len - 1] == '/')
		add_key(SUBJECT_PATH, path, len);
	else
		add_whole(SUBJECT_PATH, path);
	return NULL;
}

/* A path, and all below it; or a name in the path; or a container's ID, whole or shortened. */
static const char *add_cgroup(const char *cgroup)
{
	char below[VALUE_MAX + 2];
	size_t len = strlen(cgroup);

	if (*cgroup != '/') {
		if (strchr(cgroup, '/'))
			return "a path from the root, or a name without '/', is needed";
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
			return "it would deny all";
		if (strlen(value) > VALUE_MAX)
			return "its value is longer than 253 bytes";
		if (n_rules == MAX_RULES)
			return "there are 64 rules already, which is the most";
		problem = kinds[i].add(value);
		if (!problem)
			texts[n_rules++] = text;
		return problem;
	}
	return "comm=NAME, path=PATH or cgroup=CGROUP is needed";
}

const char *rules_text(unsigned int rule)
{
	return rule < n_rules ? texts[rule] : NULL;
}

size_t rules_keys(void)
{
	return n_keys;
}

bool rules_look_at(enum subject subject)
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
