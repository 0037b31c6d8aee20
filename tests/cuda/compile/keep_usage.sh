#!/bin/sh
# keep_usage.sh nvcc ARGUMENTS… -o OBJECT…: runs nvcc and keeps what ptxas says of each kernel beside the object.
for argument; do
  [ "$previous" = -o ] && object=$argument
  previous=$argument
done
[ -n "$object" ] || exec "$@"
if "$@" 2>"$object.usage"; then exit 0; fi
grep -v '^ptxas info\|bytes stack frame' "$object.usage" >&2
rm -f "$object.usage"
exit 1
