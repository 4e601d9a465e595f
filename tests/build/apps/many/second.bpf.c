/* No headers: its skeleton depends only on this file, clang and bpftool. */
__attribute__((section("raw_tp/sys_exit"), used)) int second(void *context)
{
	return !context;
}

__attribute__((section("license"), used)) char LICENSE[] = "GPL";
