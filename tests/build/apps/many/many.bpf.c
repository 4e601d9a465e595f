#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "many.h"

int calls;

SEC("raw_tp/sys_enter")
int many(void *context)
{
	__sync_fetch_and_add(&calls, MANY);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
