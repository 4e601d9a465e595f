#!/bin/sh
# Runs proc_mon against processes that hide from its rules, and with a stdout that is not as usual,
# for test_proc_mon_hostile.py.

APP=proc_mon
. /monitor_cases.sh

ID=3f4e5d6c7b8a99887766554433221100ffeeddccbbaa00112233445566778899
CGROUPS=/sys/fs/cgroup
W=/bin/proc_workload
LONG=1234567890123456789012345678901234567890123456789012345678901234567890

# w LABEL COMMAND…: a child of proc_workload.
w() {
	proc_workload watch "$@" >>"$name.work" 2>/dev/null 9>&-
}

stop() {
	kill -INT "$mon"
	finish
}

below=
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do below=$below/a/b; done
cgroup=$CGROUPS/docker-$ID.scope$below
mkdir -p "$cgroup" "dir$below" "dir/$LONG/$LONG/$LONG/$LONG"
cp $W "dir$below/deep"
cp $W "dir/$LONG/$LONG/$LONG/$LONG/long"

mon cgroup -o json -e deny -e exit --container --deny cgroup=/docker-$ID.scope
w deep /bin/sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$cgroup" $W exit 0
stop

mon path -o json --deny path=/t/dir/
w deep /bin/sh -c 'cd "$0" && exec ./deep exit 0' "dir$below"
w long /bin/sh -c 'cd "$0" && exec ./long exit 0' "dir/$LONG/$LONG/$LONG/$LONG"
w lives /bin/sh -c 'cd "$0" && exec ./proc_workload exit 0' /bin
stop

cp $W evil
mon init -o json --deny comm=evil
w init /bin/busybox unshare -p -f /t/evil exit 3
stop

name=nonblocking
mkfifo slow
sh -c 'sleep 3; cat' <slow >$name.out 9>&- &
reader=$!
proc_workload nonblocking proc_mon --ready-fd 3 -e exit >slow 2>$name.err 3>ready 9>&- &
mon=$!
read -r _ <ready
$W many 700
stop
wait $reader

alone closed sh -c 'proc_mon -d 10 >&-'

rm -rf dir evil
tar -c ./*.out ./*.err ./*.status ./*.work >&9
