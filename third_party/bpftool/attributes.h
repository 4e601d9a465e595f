/* What bpftool's sources expect of the kernel's <linux/compiler.h>; libbpf's has less. */
#define __maybe_unused	 __attribute__((unused))
#define __noreturn	 __attribute__((noreturn))
#define __printf(a, b)	 __attribute__((format(printf, a, b)))
#define __weak		 __attribute__((weak))
#define fallthrough	 __attribute__((fallthrough))
