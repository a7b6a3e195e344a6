#!/bin/sh
# Root folders of newer Debian suites under /opt/lab-roots, from the machine's own mirror: newer versions of some tools.
set -eu
mirror=$(awk '/^URIs:/ { print $2; exit }' /etc/apt/sources.list.d/debian.sources)
for suite in trixie:nmap sid:nmap,zmap; do
  root=/opt/lab-roots/${suite%%:*}
  [ -d "$root/usr/share/doc/nmap" ] || debootstrap --variant=minbase --include="${suite#*:}" "${suite%%:*}" "$root" "$mirror"
done
