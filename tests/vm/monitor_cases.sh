# What the cases of all apps are made of, read by their scripts; $APP is the program. A case leaves
# NAME.out, NAME.err and NAME.status in /t. Its own stderr tells how far a script has come; stdout,
# kept as 9, is for a tar archive at the end.

mkdir /t
cd /t || exit 1
mkfifo ready
exec 9>&1 >/dev/null

# mon NAME OPTIONS…: until it watches; sets $mon.
mon() {
	name=$1
	echo "$name" >&2
	shift
	$APP --ready-fd 3 "$@" >"$name.out" 2>"$name.err" 3>ready 8>&- 9>&- &
	mon=$!
	read -r _ <ready
}

finish() {
	wait "$mon"
	echo $? >"$name.status"
}

# alone NAME COMMAND…
alone() {
	name=$1
	echo "$name" >&2
	shift
	"$@" >"$name.out" 2>"$name.err" 9>&-
	echo $? >"$name.status"
}

# bad OPTIONS…: what is said is in bad.err, after a line with the options.
bad() {
	echo "> $*" | tee -a bad.err >&2
	$APP "$@" >>bad.out 2>>bad.err
	echo "= $?" >>bad.err
}
