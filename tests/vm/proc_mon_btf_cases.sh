#!/bin/sh
# Runs proc_mon with other BTFs embedded: "NAME:PROGRAM" for each case, "unhide" to show the
# kernel's own BTF from then on. Prints a tar archive of what each case left: NAME.out, NAME.err,
# NAME.status, NAME.pid of one that watches some processes, or is refused; NAME.work, what those
# say of their children; NAME.trace, the maps and programs that were loaded meanwhile; NAME.verbose, what -v tells.

ID=3f4e5d6c7b8a99887766554433221100ffeeddccbbaa00112233445566778899
CGROUP=/sys/fs/cgroup/docker-$ID.scope
TRACING=/sys/kernel/tracing
W=/bin/proc_workload

mkdir -p /t "$CGROUP"
cd /t || exit 1
mkfifo ready
exec 9>&1 >/dev/null

# bpf(cmd, attr) where it makes a map (0) or loads a program (5), of which attr has the name.
echo 'p:bpf __arm64_sys_bpf cmd=+0($arg1):s32 name=+u48(+8($arg1)):ustring' \
	>$TRACING/kprobe_events || exit 1
echo 'cmd == 0 || cmd == 5' >$TRACING/events/kprobes/bpf/filter

work() {
	$W watch exit3 $W exit 3
	$W watch sigkill $W kill 9
	sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$CGROUP" $W watch docker $W exit 5
	$W orphan
	sleep 0.2
}

case_() {
	name=${1%:*}
	program=/${1#*:}/proc_mon
	echo "$name" >&2
	: >"$name.work"
	echo 1 >$TRACING/events/kprobes/bpf/enable
	$program --ready-fd 3 -o json >"$name.out" 2>"$name.err" 3>ready 9>&- &
	echo $! >"$name.pid"
	# Without a line where it ends before it is ready.
	if read -r _ <ready; then
		work >"$name.work" 2>/dev/null 9>&-
		kill -INT $!
	fi
	wait $!
	echo $? >"$name.status"
	echo 0 >$TRACING/events/kprobes/bpf/enable
	cat $TRACING/trace >"$name.trace"
	echo >$TRACING/trace
	$program -v -d 0.1 >/dev/null 2>"$name.verbose" 9>&-
}

for word; do
	case $word in
	unhide) umount /sys/kernel/btf || exit 1 ;;
	*) case_ "$word" ;;
	esac
done
rm ready
tar -c . >&9
