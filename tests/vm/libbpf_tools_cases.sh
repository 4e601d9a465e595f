# Runs each program of /cases.txt, a line each: NAME ARGUMENTS…, two at a time. A program leaves
# NAME.out, NAME.err and NAME.status, and NAME.fds: what it held open when it had attached what it
# attaches, of which /proc/PID/fdinfo tells BPF programs from links, and how often each ran. Those of
# /run.txt are given 10 s until one has.

count() {
	grep -ls "^$1" /proc/"$pid"/fdinfo/* | wc -l
}

has_run() {
	grep -qs '^run_cnt:[[:space:]]*[1-9]' /proc/"$pid"/fdinfo/*
}

if [ "$1" = watch ]; then
	# Until each program has a link, or for 2 s no further one has; then Ctrl-C.
	pid=$2 name=$3 links=0 same=0 tries=0
	while [ $tries -lt 150 ] && [ $same -lt 10 ] && [ -d /proc/"$pid"/fdinfo ]; do
		now=$(count link_type)
		[ "$now" -gt 0 ] && [ "$now" -ge "$(count prog_type)" ] && break
		[ "$now" -gt 0 ] && [ "$now" = "$links" ] && same=$((same + 1)) || same=0
		links=$now tries=$((tries + 1))
		usleep 200000
	done
	[ -d /proc/"$pid"/fdinfo ] || exit
	usleep 500000
	tries=0
	while [ $tries -lt 50 ] && grep -qx "$name" /run.txt && ! has_run; do
		tries=$((tries + 1))
		usleep 200000
	done
	grep -Hs . /proc/"$pid"/fdinfo/* >"$name.fds"
	tries=0
	while [ $tries -lt 100 ] && [ -d /proc/"$pid"/fdinfo ]; do
		# Again each second: it is lost on a tool that is just in system("clear").
		[ $((tries % 10)) -eq 0 ] && kill -INT "$pid"
		tries=$((tries + 1))
		usleep 100000
	done
	[ -d /proc/"$pid"/fdinfo ] && kill -KILL "$pid"
	exit
fi

# The shell becomes the program, so that it is watched from before its start.
try() {
	while read -r name arguments; do
		echo "$name" >&2
		: >"$name.fds"
		# shellcheck disable=SC2016,SC2086
		sh -c 'sh /cases.sh watch $$ "$0" 2>&- & exec "/bin/$0" "$@"' "$name" $arguments \
			>"$name.out" 2>"$name.err" 9>&- </dev/null
		echo $? >"$name.status"
	done
}

mkdir /t
cd /t || exit 1
exec 9>&1 >/dev/null
echo 1 >/proc/sys/kernel/bpf_stats_enabled
# A pipeline only to run both at once: in a background command Ctrl-C would be ignored.
awk 'NR % 2' /cases.txt | try | {
	awk 'NR % 2 == 0' /cases.txt | try
	cat
}
tar -cf - . >&9
