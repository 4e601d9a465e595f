/* No header at all: nothing but this file, clang and bpftool makes its skeleton. */
__attribute__((section("raw_tp/sys_exit"), used)) int second(void *context)
{
	return !context;
}

__attribute__((section("license"), used)) char LICENSE[] = "GPL";
