#!/bin/sh
echo "hello from $(basename "$PWD")"
