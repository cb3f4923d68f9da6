#!/bin/sh
# Prints which Python to make the environment with: python3, unless that one is a shared library and the system's own,
# of the same version and with all that is needed, is not. A shared library makes a governed call a seventh dearer
# (docs/deployment.md).
ask='
import ensurepip, os, sys, sysconfig, venv
maps = open("/proc/self/maps").read() if os.path.exists("/proc/self/maps") else ""
header = os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))
print("%d.%d" % sys.version_info[:2], "shared" if "libpython" in maps else "whole", "header" if header else "-")
'
usual=$(python3 -c "$ask" 2>/dev/null)
system=$(/usr/bin/python3 -c "$ask" 2>/dev/null)
case "$usual" in
*" shared "*) [ "$system" = "$(echo "$usual" | sed 's/ shared / whole /')" ] && echo /usr/bin/python3 && exit ;;
esac
echo python3
