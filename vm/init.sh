#!/bin/busybox sh
# The first process of the guest: mounts what a Linux program expects, opens the channel to the
# host, runs the commands of /.vm/run one after the other and powers off.
#
# The channel is three virtio-serial ports: the commands' output (fd 3), their errors (fd 4), and
# lines from the host (fd 5). A kernel without the virtio_console driver uses its serial port for
# all three; kernel messages stay off it until the kernel dies.
# A line "$MARK word…" in fd 3 or 4 is from here; all other bytes are the commands' output.
# A write to a port returns before the host has read it, and unread writes (up to 128) are lost at
# power off: init waits until the host acknowledges that it has everything.

export PATH=/bin
/bin/busybox --install -s /bin
# One process for all of them: starting one costs 10 ms here. Errors are file systems that this
# kernel does not have.
mount -a 2>/dev/null
cp -a /.vm/dev/. /dev
. /.vm/settings

for module in $MODULES; do
	insmod "/.vm/$module"
done

# A port can be opened once the driver knows its name, a moment after its device appears.
port_is_up() {
	tries=0
	while [ ! -e "/sys/class/virtio-ports/vport0p$1/name" ]; do
		tries=$((tries + 1))
		[ $tries -gt 400 ] && return 1
		usleep 5000
	done
}
channel=serial
if [ -e /sys/bus/virtio/drivers/virtio_console ]; then
	port_is_up 1 && port_is_up 2 && port_is_up 3 && channel=virtio
fi
if [ $channel = virtio ]; then
	exec 3>/dev/vport0p1 4>/dev/vport0p2 5</dev/vport0p3
else
	stty raw -echo </dev/ttyAMA0
	dmesg -n 1
	exec 3>/dev/ttyAMA0 4>&3 5</dev/ttyAMA0
fi

[ "$HIDE_BTF" = 1 ] && [ -d /sys/kernel/btf ] && mount -t tmpfs -o ro,mode=755 none /sys/kernel/btf
echo droidbpf >/proc/sys/kernel/hostname
ip link set lo up 2>/dev/null

# Passes interrupts on to the command, until the host has received all output.
from_host() {
	while read -r word <&5; do
		[ "$word" = received ] && return
		until [ -s /.vm/pid ]; do usleep 5000; done
		[ "$word" = interrupt ] && kill -INT "-$(cat /.vm/pid)"
	done
}

# Each command leads a session, so that an interrupt also reaches the processes it started.
run() {
	: >/.vm/pid
	echo "$MARK run" >&3
	(
		. /.vm/env
		exec /bin/setsid /bin/sh -c 'echo $$ >/.vm/pid; exec "$@"' sh "$@"
	) </dev/null >&3 2>&4 3>&- 4>&- 5<&-
	status=$?
	[ $channel = virtio ] && echo "$MARK end" >&4
	echo "$MARK end $status" >&3
}

# The workload: a shell command in the background.
beside() {
	(
		. /.vm/env
		exec /bin/sh -c "$1"
	) </dev/null >/dev/null 2>&1 3>&- 4>&- 5<&- &
}

echo "$MARK up $channel $(uname -r)" >&3
from_host 2>/dev/null 3>&- 4>&- &
from_host=$!
cd /
. /.vm/run
if [ $channel = serial ]; then
	echo "$MARK log" >&3
	dmesg >&3
fi
echo "$MARK done" >&3
wait "$from_host"
poweroff -f
