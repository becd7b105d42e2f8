#!/bin/sh
echo "ran in $(basename "$(dirname "$PWD")")/$(basename "$PWD")"
