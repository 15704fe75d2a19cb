#!/bin/sh
config=/etc/nginx/conf.d/default.conf
say() {
    echo "${0##*/}: info: $1 $config"
}
say "Getting the checksum of"
sed -i 's,listen       80;,listen       80;\n    listen  [::]:80;,' $config
say "Enabled listen on IPv6 in"
