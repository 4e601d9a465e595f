#!/bin/busybox sh
# The first process of the guest: mounts what a Linux program expects, opens the way to the host,
# runs the commands of /.vm/run one after the other and powers off.
#
# The way to the host is three virtio-serial ports: the commands' output (fd 3), their errors
# (fd 4), and lines from the host (fd 5). A kernel without the virtio_console driver gets its
# serial port for all of it instead; kernel messages stay off it until the kernel dies.
# A line "$MARK word…" in fd 3 or 4 is from here; all other bytes are the commands' own.

export PATH=/bin
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
. /.vm/settings

for module in $MODULES; do
	insmod "/.vm/$module"
done
channel=serial
if [ "$CHANNEL" != serial ] && [ -e /sys/bus/virtio/drivers/virtio_console ]; then
	tries=0
	while [ ! -e /dev/vport0p3 ] && [ $tries -lt 200 ]; do
		usleep 5000
		tries=$((tries + 1))
	done
	[ -e /dev/vport0p3 ] && channel=virtio
fi
if [ $channel = virtio ]; then
	exec 3>/dev/vport0p1 4>/dev/vport0p2 5</dev/vport0p3
else
	stty raw -echo </dev/ttyAMA0
	dmesg -n 1
	exec 3>/dev/ttyAMA0 4>&3 5</dev/ttyAMA0
fi

mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null
mount -t bpf bpf /sys/fs/bpf 2>/dev/null
[ "$HIDE_BTF" = 1 ] && [ -d /sys/kernel/btf ] && mount -t tmpfs -o ro,mode=755 none /sys/kernel/btf
ln -s /proc/self/fd /dev/fd
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts 2>/dev/null
mount -t tmpfs -o mode=1777 tmpfs /dev/shm 2>/dev/null
hostname droidbpf
ip link set lo up 2>/dev/null

from_host() {
	while read -r word <&5; do
		[ "$word" = interrupt ] && kill -INT -- "-$(cat /.vm/pid)"
	done
}

# Each command is the leader of a session, so that an interrupt reaches what it started too.
run() {
	echo "$MARK run" >&3
	setsid sh -c 'echo $$ >/.vm/pid; exec "$@"' sh "$@" </dev/null >&3 2>&4 3>&- 4>&- 5<&-
	status=$?
	[ $channel = virtio ] && echo "$MARK end" >&4
	echo "$MARK end $status" >&3
}

echo "$MARK up $channel $(uname -r)" >&3
from_host 3>&- 4>&- &
cd /
. /.vm/run
if [ $channel = serial ]; then
	echo "$MARK log" >&3
	dmesg >&3
fi
echo "$MARK done" >&3
poweroff -f
