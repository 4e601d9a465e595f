/* SPDX-License-Identifier: BSD-3-Clause */
/* Finds the rule that matches a text or a cgroup. Include after vmlinux.h. */
#ifndef RULES_BPF_H
#define RULES_BPF_H

#include <bpf/bpf_helpers.h>

#include "paths.bpf.h"
#include "proc_mon.h"

/* The numbers of the --deny rules. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct rule_key);
	__type(value, __u32);
} rules SEC(".maps");

/* Returns the number of the rule that matches the text, or NO_RULE. */
static __always_inline __u32 find_rule(struct rule_key *key, enum subject subject, const void *text)
{
	__u32 *rule;

	key->bits = 8 * (sizeof(*key) - sizeof(key->bits));
	key->subject = subject;
	bpf_probe_read_kernel_str(key->text, sizeof(key->text), text);
	rule = bpf_map_lookup_elem(&rules, key);
	return rule ? *rule : NO_RULE;
}

/* A container's ID ends its cgroup's name, or precedes ".scope". See container.c. */
static __always_inline __u32 find_rule_for_id(struct rule_key *key, const char *name, long end)
{
	char before[4] = {};

	if (end < CONTAINER_ID_LEN)
		return NO_RULE;
	name += end - CONTAINER_ID_LEN;
	/* libpod-conmon-ID.scope is not in the container that it monitors. */
	if (end >= CONTAINER_ID_LEN + sizeof(before))
		bpf_probe_read_kernel(before, sizeof(before), name - sizeof(before));
	if (before[0] == 'm' && before[1] == 'o' && before[2] == 'n' && before[3] == '-')
		return NO_RULE;
	return find_rule(key, SUBJECT_CONTAINER, name);
}

/* Returns the number of the rule that matches the cgroup of read_cgroup(), or NO_RULE. */
static __always_inline __u32 find_rule_for_cgroup(struct scratch *scratch)
{
	__u32 n = scratch->n_names;
	__u32 rule = find_rule(&scratch->key, SUBJECT_CGROUP, scratch->event.cgroup);

	for (__u32 i = 0; i < MAX_NAMES && i < n && rule == NO_RULE; i++) {
		const char *name = scratch->names[i & (MAX_NAMES - 1)];
		long len = bpf_probe_read_kernel_str(scratch->text, PATH_LEN, name) - 1;

		rule = find_rule(&scratch->key, SUBJECT_CGROUP_NAME, name);
		if (rule == NO_RULE)
			rule = find_rule_for_id(&scratch->key, name, len);
		if (rule == NO_RULE)
			rule = find_rule_for_id(&scratch->key, name,
						len - (long)sizeof(".scope") + 1);
	}
	return rule;
}

#endif
