#!/bin/sh
# vim:sw=4:ts=4:et

set -e

ME=$(basename "$0")
echo "$ME: info: Getting the checksum of /etc/nginx/conf.d/default.conf"
sed -i 's,listen       80;,listen       80;\n    listen  [::]:80;,' /etc/nginx/conf.d/default.conf
echo "$ME: info: Enabled listen on IPv6 in /etc/nginx/conf.d/default.conf"
