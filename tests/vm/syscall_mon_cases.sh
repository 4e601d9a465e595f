#!/bin/sh
# Runs syscall_mon in all the ways that test_syscall_mon_*.py look at. NAME.work is what the traced
# program of a case said.

APP=syscall_mon
. /monitor_cases.sh

# start PROGRAM…: until it is ready; sets $pid and $tids.
start() {
	rm -f go work
	mkfifo go
	"$@" <go >work 9>&- &
	pid=$!
	exec 8>go
	until grep -q ready work; do usleep 10000; done
	read -r _ _ tids <work
}

release() {
	echo >&8
	exec 8>&-
	wait "$pid"
}

ended() {
	finish
	cp work "$name.work"
}

# traced NAME MODE OPTIONS…: until the traced program, or what OPTIONS say, ends it.
traced() {
	case=$1 mode=$2
	shift 2
	start syscall_workload "$mode"
	mon "$case" -p "$pid" "$@"
	release
	ended
}

# around NAME MODE OPTIONS…: the same without -p; TID in OPTIONS is the program's second thread.
around() {
	case=$1 mode=$2
	shift 2
	start syscall_workload "$mode"
	tid=${tids%% *}
	mon "$case" $(echo "$@" | sed "s/TID/$tid/g")
	release
	usleep 200000
	kill -INT "$mon"
	ended
	echo "$tid" >"$case.tid"
}

# ends NAME COMMAND…: with a program that goes on until it is killed; PID in COMMAND is its ID.
ends() {
	name=$1
	echo "$name" >&2
	start syscall_workload forever
	echo >&8
	shift
	sh -c "$(echo "$@" | sed "s/PID/$pid/g")" >"$name.out" 2>"$name.err" 8>&- 9>&-
	echo $? >"$name.status"
	exec 8>&-
	kill "$pid"
	wait "$pid"
}

umount /sys/kernel/tracing /sys/kernel/debug/tracing /sys/kernel/debug 2>/dev/null
cat /proc/mounts >mounts.out
ls /sys/kernel/btf >btf.out 2>&1

traced text known
traced json known -o json
traced csv known -o csv
traced summary known --summary
traced summary-json known --summary -o json
traced summary-csv known --summary -o csv
traced summary-count known --summary -o json -s getpid -n 50
traced names known -s openat -s nanosleep
traced excluded known -s '!getpid' -s '!480'
traced mixed known -s getpid -s openat -s '!openat'
traced number known -s 172
traced slow known -m 15000 -o json
traced failed known -f -o json
traced count known -n 7 -s getpid
traced threads threads -o json
traced hostile-text hostile -s getpid
traced hostile-json hostile -s getpid -o json
traced hostile-csv hostile -s getpid -o csv
traced exec exec-by-thread -o json
traced other-user known -u 12345

around tid threads -o json -t TID
around comm known -o json -c syscall_workloa
around comms known -o json -c nobody -c syscall_workloa
around uid user -o json -u 12345
around uids user -o json -u 12346 -u 12345
around children children -o json -c syscall_workloa

start syscall_workload known
mon processes -p "$pid" -p $$ -o json
echo "$pid $$" >processes.pids
release
kill -INT "$mon"
ended

start compat_workload
mon compat -p "$pid" -o json
release
ended

start compat_workload
mon compat-number -p "$pid" -o json -s 221
release
ended

start compat_workload
mon compat-name -p "$pid" -o json -s fcntl64
release
ended

start compat_workload
mon compat-failed -p "$pid" -o json -f
release
ended

# A buffer of one page, and nobody who empties it.
start syscall_workload flood
mon lost -p "$pid" -s getpid -b 4
kill -STOP "$mon"
release
kill -CONT "$mon"
ended

traced flood flood -s getpid

cut -d ' ' -f 1 /proc/uptime >duration.begin
ends duration 'syscall_mon -p PID -s getpid -d 1.5'
cut -d ' ' -f 1 /proc/uptime >duration.end
for signal in INT TERM; do
	ends signal-$signal "syscall_mon --ready-fd 3 -p PID -s getpid 3>ready &
		read -r _ <ready; usleep 200000; kill -$signal \$!; wait \$!"
done
ends head 'syscall_mon -p PID -s getpid | head -n 3'
ends full 'syscall_mon -p PID -s getpid -n 5 >/dev/full'
ends no-reader 'syscall_mon -p 1 -s bpf | true'

alone itself sh -c 'exec syscall_mon -p $$ -n 3'
mon others -o json -d 1
echo "$mon" >others.pid
ls -l /proc >/dev/null
finish

# More thread IDs than an array is made for.
echo 1000000 >/proc/sys/kernel/pid_max
traced hash known -o json
traced hash-exec exec-by-thread -o json
around hash-children children -o json -c syscall_workloa
echo 32768 >/proc/sys/kernel/pid_max

alone namespace unshare -p -f --mount-proc sh -c '
	while :; do usleep 50000; done &
	echo $! >namespace.pid
	syscall_mon -p $! -o json -n 20'

alone not-root syscall_workload as-nobody /bin/syscall_mon -d 1
alone version syscall_mon -V
alone help syscall_mon -h

bad word
bad -p 4000000
bad -p 0
bad -p 12x
bad -p -1
bad -t 4000000
bad -c 1234567890123456
bad -u 4294967295
bad -u root
bad -s opennat
bad -s '!getpdi'
bad -s zzzzzzzzzzzzzzzzzzzzzzzzzzzzz
bad -s ''
bad -s 9999
bad -s -1
bad -m -5
bad -m 1e3
bad -d 0
bad -d 1s
bad -d nan
bad -n 0
bad -n 99999999999999999999
bad -o xml
bad -b 0
bad --ready-fd 77
start syscall_workload threads
echo "$pid ${tids%% *}" >bad-thread.ids
alone bad-thread syscall_mon -p "${tids%% *}"
release

alone verbose syscall_mon -v -d 0.1 -u 4242

tar -c . >&9
