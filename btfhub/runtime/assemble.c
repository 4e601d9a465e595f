// SPDX-License-Identifier: BSD-3-Clause
/*
 * Assembles the probe's program. Having libbpf load it from an object, with relocations, would cost
 * several times as much: libbpf probes the kernel and its own objects before each load.
 */
#include <stddef.h>

#include "probe.h"

#define VALUE BPF_REG_7 /* address of the map's value */
#define TASK BPF_REG_6
#define AT(field) offsetof(struct probe_found, field)
#define SIZE(field) sizeof(((struct probe_found *)0)->field)

static void emit(struct bpf_insn **at, __u8 code, __u8 dst, __u8 src, __s16 off, __s32 imm)
{
	*(*at)++ = (struct bpf_insn){ code, dst, src, off, imm };
}

static void emit_call(struct bpf_insn **at, enum bpf_func_id helper)
{
	emit(at, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

static void emit_copy(struct bpf_insn **at, __u8 dst, __u8 src)
{
	emit(at, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static void emit_exit(struct bpf_insn **at)
{
	emit(at, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0);
	emit(at, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* Sets r1 and r2 to an address in the map's value and a size. */
static void emit_target(struct bpf_insn **at, size_t to, size_t size)
{
	emit_copy(at, BPF_REG_1, VALUE);
	emit(at, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, to);
	emit(at, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, size);
}

/* Memory that cannot be read becomes 0. Every arm64 and x86_64 kernel has this helper. */
static void emit_read(struct bpf_insn **at, size_t to, size_t size, uint32_t offset)
{
	emit_target(at, to, size);
	emit_copy(at, BPF_REG_3, TASK);
	emit(at, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_3, 0, 0, offset);
	emit_call(at, BPF_FUNC_probe_read);
}

/* Exits if only_tgid is set and is not the current process, whose ID is in r0. */
static void emit_filter(struct bpf_insn **at)
{
	emit(at, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_1, VALUE, AT(only_tgid), 0);
	emit(at, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_1, 0, 4, 0);
	emit(at, BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_0, 0, 0, 32);
	emit(at, BPF_JMP | BPF_JEQ | BPF_X, BPF_REG_0, BPF_REG_1, 2, 0);
	emit_exit(at);
}

int droidbpf_assemble(struct bpf_insn *code, int map, const uint32_t *offsets)
{
	struct bpf_insn *at = code;

	emit(&at, BPF_LD | BPF_DW | BPF_IMM, VALUE, BPF_PSEUDO_MAP_VALUE, 0, map);
	emit(&at, 0, 0, 0, 0, 0); /* the second half: offset 0 in the value */
	emit_call(&at, BPF_FUNC_get_current_pid_tgid);
	emit_copy(&at, TASK, BPF_REG_0);
	emit_filter(&at);
	emit(&at, BPF_STX | BPF_MEM | BPF_DW, VALUE, TASK, AT(tgid_pid), 0);
	emit_target(&at, AT(comm), SIZE(comm));
	emit_call(&at, BPF_FUNC_get_current_comm);

	emit_call(&at, BPF_FUNC_get_current_task);
	emit_copy(&at, TASK, BPF_REG_0);
	emit_read(&at, AT(read_tgid), SIZE(read_tgid), offsets[FIELD_TGID]);
	emit_read(&at, AT(read_pid), SIZE(read_pid), offsets[FIELD_PID]);
	emit_read(&at, AT(read_comm), SIZE(read_comm), offsets[FIELD_COMM]);
	emit_read(&at, AT(read_timer_slack), SIZE(read_timer_slack), offsets[FIELD_TIMER_SLACK]);
	emit_read(&at, AT(read_static_prio), SIZE(read_static_prio), offsets[FIELD_STATIC_PRIO]);
	emit_read(&at, AT(read_parent), SIZE(read_parent), offsets[FIELD_REAL_PARENT]);
	emit(&at, BPF_LDX | BPF_MEM | BPF_DW, TASK, VALUE, AT(read_parent), 0);
	emit_read(&at, AT(read_parent_tgid), SIZE(read_parent_tgid), offsets[FIELD_TGID]);

	emit(&at, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_1, VALUE, AT(runs), 0);
	emit(&at, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, 1);
	emit(&at, BPF_STX | BPF_MEM | BPF_W, VALUE, BPF_REG_1, AT(runs), 0);
	emit_exit(&at);
	return at - code;
}
