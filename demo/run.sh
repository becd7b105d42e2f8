#!/bin/sh
# The main job from end to end, in a private home: a server, a pool, a worker,
# two deployments, a run of each, and everything stopped again. KEEP=1 leaves
# it running and says what to type next.
set -eu
cd "$(dirname "$0")"
checkout=$(cd .. && pwd)

for variable in $(env | sed -n -e 's/^\(USHER_[A-Z0-9_]*\)=.*/\1/p' -e 's/^\(PREFECT_[A-Z0-9_]*\)=.*/\1/p'); do
	unset "$variable"
done
export DO_NOT_TRACK=1

# The flow is Python: it gets an environment of its own, kept between runs.
venv=$checkout/.cache/demo
if ! cmp -s requirements.txt "$venv/installed.txt"; then
	echo "Installing the Python packages of the flow (once, about half a minute) …"
	rm -rf "$venv"
	python3 -m venv "$venv"
	"$venv/bin/pip" install --quiet --disable-pip-version-check -r requirements.txt
	cp requirements.txt "$venv/installed.txt"
fi
PATH=$checkout/bin:$venv/bin:$PATH

USHER_HOME=$(mktemp -d "${TMPDIR:-/tmp}/usher-demo.XXXXXX")
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
USHER_API_URL=http://127.0.0.1:$port/api
export PATH USHER_HOME USHER_API_URL

bold=$(test -t 1 && test -z "${NO_COLOR:-}" && printf '\033[1m' || true)
plain=${bold:+$(printf '\033[0m')}
show() { printf '\n%s$ %s%s\n' "$bold" "$*" "$plain"; }
run() { show "$@" && "$@"; }

# begin LOG COMMAND… leaves the command running, with its output in LOG. It has a session
# of its own, so that Ctrl+C stops this script first, which stops the worker before the server.
begin() {
	log=$USHER_HOME/$1
	shift
	show "$* &"
	python3 -c 'import os, sys; os.setsid(); os.execvp(sys.argv[1], sys.argv[1:])' "$@" >"$log" 2>&1 &
}

# until_ready COMMAND… waits, for half a minute at most, for the command to
# succeed while the program begun last is alive.
until_ready() {
	pid=$! left=600
	until "$@" >"$USHER_HOME/ready.log" 2>&1; do
		left=$((left - 1))
		if [ "$left" -eq 0 ] || ! kill -0 "$pid" 2>/dev/null; then
			cat "$log" "$USHER_HOME/ready.log"
			exit 1
		fi
		sleep 0.05
	done
}

server='' worker=''
stop() {
	status=$?
	trap - EXIT INT TERM HUP
	if [ "$status" -eq 0 ] && [ "${KEEP:-}" = 1 ]; then
		keep
		exit 0
	fi
	for pid in $worker $server; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true
	done
	rm -rf "$USHER_HOME"
	[ "$status" -ne 0 ] || printf '\nThe worker and the server are stopped, and their home is removed.\n'
	exit "$status"
}

keep() {
	cat <<END

The server (pid $server) and the worker (pid $worker) go on. Next, in this directory:

  export USHER_API_URL=$USHER_API_URL USHER_HOME="$USHER_HOME" PATH="$checkout/bin:\$PATH"
  usher flow-run ls
  usher deployment run history/demo --param top=10 --watch
  usher flow-run logs -f <id or name>
  kill $worker $server && rm -r "$USHER_HOME"
END
}
trap stop EXIT
trap 'exit 130' INT TERM HUP

begin server.log usher server start --port "$port"
server=$!
until_ready usher flow ls
run usher work-pool create demo --type process
begin worker.log usher worker start --pool demo
worker=$!
run usher deploy --all

run usher deployment run history/demo --param top=3 --flow-run-name demo --watch
run usher flow-run inspect demo
run usher task-run ls --flow-run demo
run usher artifact inspect busiest-folders

run usher deployment run largest-files/largest-files --param count=3 --watch
run usher flow-run ls
