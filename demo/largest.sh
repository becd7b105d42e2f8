#!/bin/sh
# The largest files of a git repository. No Python: what is printed becomes the
# log of the run, and the exit code its state.
set -eu
cd ..
count=${USHER_PARAM_COUNT:-5}
echo "the $count largest files after $(git rev-list --count HEAD) commits:"
git ls-tree -r -l HEAD | sort -k 4 -n -r | awk -v n="$count" 'NR <= n { print $4, $5 }'
