// SPDX-License-Identifier: BSD-3-Clause
/* Looks up in a BTF what the probe reads. */
#include <errno.h>
#include <string.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "probe.h"
#include "runtime.h"

#define MOST_MEMBERS 8192 /* of task_struct, including its anonymous structs */
#define NESTING 64 /* what an anonymous struct costs of that, besides its members */

/*
 * Finds a member, including those of anonymous structs and unions, and adds its offset in bits. The
 * budget bounds the search: the structs of a hostile BTF may contain themselves.
 */
static bool find_member(const struct btf *btf, __u32 id, const char *name, int *budget, __u32 *bits)
{
	const struct btf_type *type = btf__type_by_id(btf, id);
	const struct btf_member *member;

	if (!type || !btf_is_composite(type))
		return false;
	member = btf_members(type);
	for (int i = 0; i < btf_vlen(type) && --*budget > 0; i++, member++) {
		const char *its = btf__name_by_offset(btf, member->name_off);
		bool found = its && !strcmp(its, name);

		if (its && !*its) {
			*budget -= NESTING;
			found = find_member(btf, member->type, name, budget, bits);
		}
		if (found) {
			*bits += btf_member_bit_offset(type, i);
			return true;
		}
	}
	return false;
}

int droidbpf_find_fields(const char *path, uint32_t *offsets, struct droidbpf_text *why)
{
	static const char *const names[N_FIELDS] = {
		[FIELD_TGID] = "tgid",
		[FIELD_PID] = "pid",
		[FIELD_COMM] = "comm",
		[FIELD_REAL_PARENT] = "real_parent",
		[FIELD_TIMER_SLACK] = "timer_slack_ns",
		[FIELD_STATIC_PRIO] = "static_prio",
	};
	struct btf *btf = btf__parse(path, NULL);
	int id;

	if (!btf) {
		droidbpf_add(why, "it is not BTF");
		if (errno < __LIBBPF_ERRNO__START)
			droidbpf_add(why, ": %s", strerror(errno));
		return PROBE_WRONG;
	}
	id = btf__find_by_name_kind(btf, "task_struct", BTF_KIND_STRUCT);
	for (int i = 0; i < N_FIELDS; i++) {
		int budget = MOST_MEMBERS;
		__u32 bits = 0;

		if (id < 0 || !find_member(btf, id, names[i], &budget, &bits)) {
			droidbpf_add(why, "it lacks task_struct.%s", names[i]);
			break;
		}
		offsets[i] = bits / 8;
	}
	/* The probe would not notice: the ID of a process is also that of its first thread. */
	if (!why->size && offsets[FIELD_PID] == offsets[FIELD_TGID])
		droidbpf_add(why, "it has task_struct.pid where tgid is");
	btf__free(btf);
	return why->size ? PROBE_WRONG : 0;
}
