// SPDX-License-Identifier: BSD-3-Clause
/*
 * Asks btfhub/runtime for a BTF, in ways that the options choose, and prints the result. Linked
 * with --wrap=syscall, so that syscalls can be made to fail.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "btf_helpers.h"
#include "droidbpf.h"

#define PROG_TEST_RUN 10 /* enum bpf_cmd */

static const char *named;
static bool verbose, bcc, in_thread, in_namespace, no_memfd, no_test_run, waiting;
static int times;
static unsigned int said;

long __real_syscall(long number, ...);

long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	if ((number == SYS_memfd_create && no_memfd && !strcmp((const char *)a, "btf")) ||
	    (number == SYS_bpf && no_test_run && a == PROG_TEST_RUN)) {
		errno = number == SYS_bpf ? EINVAL : ENOSYS;
		return -1;
	}
	return __real_syscall(number, a, b, c, d, e, f);
}

static int count(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	said++;
	return 0;
}

static int open_files(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

static void *ask(void *unused)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	const int files = open_files();
	char link[4096] = "";
	int err;

	libbpf_set_print(count);
	if (bcc)
		err = ensure_core_btf(&opts);
	else
		err = droidbpf_btf_path(&opts.btf_custom_path, named, verbose);
	printf("%d ", err);
	if (!opts.btf_custom_path)
		puts("no path");
	else if (readlink(opts.btf_custom_path, link, sizeof(link) - 1) > 0)
		puts(link);
	else
		puts(opts.btf_custom_path);
	if (bcc)
		cleanup_core_btf(&opts);
	else
		droidbpf_btf_done();
	if (said && !verbose)
		printf("libbpf said %u things\n", said);
	if (libbpf_set_print(count) != count)
		puts("the app's callback is gone");
	if (open_files() != files)
		puts("a file is left open");
	if (waitpid(-1, NULL, __WALL | WNOHANG) != -1 || errno != ECHILD)
		puts("a child is left");
	return unused;
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

/* Measures the time that it takes, without printing. */
static void measure(void)
{
	const char *path;

	for (; times; times--) {
		double begin = now_ms();
		int err = droidbpf_btf_path(&path, NULL, false);

		droidbpf_btf_done();
		printf("%d %.3f\n", err, now_ms() - begin);
	}
}

/* A thread that waits for any child, as in apps that start many programs. */
static void *wait_for_all(void *unused)
{
	for (;;)
		waitpid(-1, NULL, __WALL);
	return unused;
}

static void run(void)
{
	pthread_t thread;

	if (waiting)
		pthread_create(&thread, NULL, wait_for_all, NULL);
	if (times)
		measure();
	else if (in_thread && !pthread_create(&thread, NULL, ask, NULL))
		pthread_join(thread, NULL);
	else
		ask(NULL);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const struct sched_param param = { .sched_priority = 1 };
	int option, err = 0;

	while ((option = getopt(argc, argv, "vcf:tnLMTN:Ruwm:")) > 0) {
		switch (option) {
		case 'v':
			verbose = true;
			break;
		case 'c':
			bcc = true;
			break;
		case 'f':
			named = optarg;
			break;
		case 't':
			in_thread = true;
			break;
		case 'n':
			in_namespace = true;
			break;
		case 'L': /* files of 100 bytes */
			err = err ?: setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 100, 100 });
			break;
		case 'M':
			no_memfd = true;
			break;
		case 'T':
			no_test_run = true;
			break;
		case 'N':
			err = err ?: setpriority(PRIO_PROCESS, 0, atoi(optarg));
			break;
		case 'R':
			err = err ?: sched_setscheduler(0, SCHED_FIFO, &param);
			break;
		case 'u':
			err = err ?: setuid(1000);
			break;
		case 'w':
			waiting = true;
			break;
		case 'm':
			times = atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	if (!err && in_namespace && !(err = unshare(CLONE_NEWPID))) {
		pid_t pid = fork();

		if (pid)
			return waitpid(pid, &err, 0) == pid ? WEXITSTATUS(err) : 2;
	}
	if (err) {
		perror("cannot set up what the options ask for");
		return 2;
	}
	run();
	return 0;
}
