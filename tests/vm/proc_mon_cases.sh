#!/bin/sh
# Runs proc_mon in all the ways that test_proc_mon_*.py look at. NAME.work is what the processes of
# a case said of their children.

APP=proc_mon
. /monitor_cases.sh

ID=3f4e5d6c7b8a99887766554433221100ffeeddccbbaa00112233445566778899
SHORT=3f4e5d6c7b8a
OTHER=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
CGROUPS=/sys/fs/cgroup

stop() {
	kill -INT "$mon"
	finish
}

# w LABEL COMMAND…: a child of proc_workload.
w() {
	proc_workload watch "$@" >>"$name.work" 2>/dev/null 9>&-
}

# into CGROUP LABEL COMMAND…: the same, both in a cgroup.
into() {
	mkdir -p "$1"
	sh -c 'echo $$ >"$0/cgroup.procs" && exec proc_workload watch "$@"' "$@" >>"$name.work" 9>&-
}

W=/bin/proc_workload
echo core >/proc/sys/kernel/core_pattern
ls /sys/kernel/btf >btf.out 2>&1

# Each way to begin and to end.
mon json -o json
w exit0 $W exit 0
w exit3 $W exit 3
w exit255 $W exit 255
w sleep $W sleep 150
w segv $W segv
w sigkill $W kill 9
w sigterm $W kill 15
w core $W core
w user $W user 12345 23456 $W exit 4
w exit-by-thread $W exit-by-thread 21
w exec-by-thread $W exec-by-thread 22
w thread-last $W thread-last 23
w threads-end $W threads-end 24
w relative $W relative
w fd $W fd
w memfd $W memfd
w link /bin/true
w hostile $W hostile
$W fork-only 7 >>json.work
$W orphan >>json.work
printf '#!/bin/proc_workload exit\n' >script.sh
chmod +x script.sh
w script /t/script.sh
cp $W "/t/a path=\"x, y"
w strange "/t/a path=\"x, y" exit 1
long=/t
for i in 1 2 3 4 5 6; do long=$long/$i$i$i$i$i$i$i$i$i$i$i$i$i$i$i$i$i$i$i$i$i$i$i$i$i$i$i$i$i$i; done
mkdir -p $long
cp $W $long/long
w long $long/long exit 6
mkdir mounted
mount -t tmpfs tmpfs mounted
mkdir mounted/deep
cp $W mounted/deep/there
sh -c "cd mounted/deep && exec $W watch mounted ./there exit 8" >>json.work 9>&-
sleep 0.2
stop

mon race -o json -e exit
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do w race $W race; done
stop

for format in text csv; do
	mon $format -o $format
	w exit3 $W exit 3
	w sigkill $W kill 9
	w hostile $W hostile
	w strange "/t/a path=\"x, y" exit 1
	into $CGROUPS/docker-$ID.scope docker $W exit 5
	stop
done

# in CGROUP LABEL: below the root of cgroup2.
inside() {
	into "$CGROUPS/$1" "$2" $W exit 5
}

mon container --container -o json
inside docker-$ID.scope systemd
inside docker/$ID cgroupfs
inside kubepods.slice/kubepods-podf00d.slice/cri-containerd-$ID.scope containerd
inside kubepods/burstable/podf00d/$ID kubepods
inside machine.slice/libpod-$ID.scope podman
inside docker/$OTHER/docker/$ID inner
inside docker/$ID/system.slice/x.service below
inside lxc/name lxc
inside uid_10123/pid_77 android
inside user.slice/session-1.scope session
w root $W exit 5
stop

mon host -o json
inside uid_10123/pid_77 android
deep=
for i in 1 2 3 4 5 6; do deep=$deep/aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggghh; done
inside docker/$OTHER$deep/docker-$ID.scope deep
stop

if grep -q ^pids /proc/cgroups; then
	mkdir v1
	mount -t cgroup -o pids pids v1 || echo "no v1" >&2
	mon v1 -o json
	into /t/v1/docker/$ID v1 $W exit 5
	w v1-root $W exit 5
	inside docker/$OTHER v2-only
	stop
	rmdir v1/docker/$ID v1/docker
	umount v1
fi

# What rules deny, and what they must not.
cp $W bad
cp $W badly
cp $W evil
cp $W evil2
mkdir dir
cp $W dir/any
ln -s bad link
cp script.sh denied.sh
mon deny -o json --deny comm=evil --deny path=/t/bad --deny path=/t/dir/ \
	--deny path=/t/denied.sh --deny cgroup=$SHORT --deny cgroup=/blocked --deny cgroup=named.slice
w comm-denied /t/evil exit 0
w comm-lives /t/evil2 exit 0
w path-denied /t/bad exit 0
w path-relative-denied ./bad exit 0
w path-link-denied /t/link exit 0
w path-dots-denied /t/dir/../bad exit 0
w path-lives /t/badly exit 0
w dir-dots-lives /t/dir/../evil2 exit 0
w dir-denied /t/dir/any exit 0
w script-denied /t/denied.sh
w script-lives /t/script.sh
inside docker-$ID.scope id-denied
inside a/b:c:$ID colon-denied
inside libpod-conmon-$ID.scope conmon-lives
inside docker-$OTHER.scope id-lives
inside blocked cgroup-denied
inside blocked/below below-denied
inside blockedly cgroup-lives
inside x/named.slice/y name-denied
inside xnamed.slice name-lives
stop

mon deny-text --deny 'path=/t/a path="x, y'
w strange "/t/a path=\"x, y" exit 1
w lives $W exit 0
stop

mon deny-filtered -o json -c nobody -u 4242 --container --deny comm=evil
w comm-denied /t/evil exit 0
w lives $W exit 0
stop

mon deny-unseen -o json -e exec --deny comm=evil
w comm-denied /t/evil exit 0
w lives $W exit 0
stop

mon after -e deny
stop
w lives-after /t/evil exit 0

# Filters.
mon exec -o json -e exec
w exit0 $W exit 0
stop
mon exit -o json -e exit
w exit0 $W exit 0
stop
mon kinds -o json -e exec -e exit --deny comm=nobody
w exit0 $W exit 0
stop
mon comm -o json -c evil2 -c nobody
w other $W exit 0
w exit0 /t/evil2 exit 0
stop
mon uid -o json -u 12345 -u 12346
w other $W exit 0
w user $W user 12345 23456 $W exit 4
stop
mon both -o json -u 12345 -c nobody
w user $W user 12345 23456 $W exit 4
stop
mon parent -o json -P $$
w other $W exit 0
stop
echo $$ >parent.pid

# waiting MODE N: a process from before; sets $pid.
waiting() {
	$W "$@" <go 9>&- &
	pid=$!
	exec 8>go
}

release() {
	echo >&8
	exec 8>&-
}

mkfifo go
waiting wait-exec 4
mon pid -o json -p "$pid"
w other $W exit 0
release
finish
echo "$pid" >pid.pid

waiting wait 12
mon before -o json -p "$pid"
release
finish
echo "$pid" >before.pid

# How it ends.
mon count -n 5
w exit0 $W exit 0
w exit0 $W exit 0
w exit0 $W exit 0
finish
cut -d ' ' -f 1 /proc/uptime >duration.begin
alone duration proc_mon -d 1.5
cut -d ' ' -f 1 /proc/uptime >duration.end
mon terminated
w exit0 $W exit 0
kill -TERM "$mon"
finish
alone full sh -c 'proc_mon -n 2 >/dev/full & while [ -d /proc/$! ]; do proc_workload exit 0; done; wait $!'
alone no-reader sh -c 'proc_mon -c nobody | true'

# A buffer of one page, and nobody who empties it.
mon lost -e exit -b 4
kill -STOP "$mon"
$W many 300
kill -CONT "$mon"
stop
mon flood -e exit
$W many 300
stop

alone namespace unshare -p -f --mount-proc proc_mon -d 1
alone not-root $W user 65534 65534 /bin/proc_mon -d 1
alone version proc_mon -V
alone help proc_mon -h
alone verbose proc_mon -v -d 0.1 -u 4242
umount /sys/kernel/tracing /sys/kernel/debug/tracing /sys/kernel/debug 2>/dev/null
alone no-tracefs proc_mon -d 1

rules=
for i in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31; do
	rules="$rules --deny comm=a$i --deny cgroup=/b$i"
done
alone too-many proc_mon $rules --deny comm=x
nines=99999999999999999999999999999999999999999999999999999999999999
alone too-long proc_mon --deny "path=/$nines$nines$nines$nines$nines"
bad word
bad --dney comm=x
bad --deny
bad --deny comm
bad --deny comm=
bad --deny comm=1234567890123456
bad --deny path=x
bad --deny path=/
bad --deny cgroup=//
bad --deny cgroup=a/b
bad --deny name=x
bad -p 4000000
bad -p 0
bad -p 12x
bad -P 4000000
bad -c 1234567890123456
bad -c ''
bad -u 4294967295
bad -u root
bad -e fork
bad -e ''
bad -d 0
bad -d 1s
bad -n 0
bad -n ''
bad -o xml
bad -b 0
bad --ready-fd 77

rm -rf 1* long mounted bad badly evil evil2 dir a\ path* core
tar -c ./*.out ./*.err ./*.status ./*.work ./*.pid ./*.begin ./*.end >&9
