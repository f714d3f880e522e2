#!/usr/bin/env bash
# Starts the servers that some suites need, reachable only from this machine: PostgreSQL, MariaDB and an S3 server.
#
#   bash build/services/start.sh                 all three
#   bash build/services/start.sh postgres s3     some of them: postgres, mariadb, s3
#   bash build/services/stop.sh                  stops the servers that were started
#
# A server that is already running is used unchanged. Data and logs are in SERVICES_DIR, /tmp/filefield-services by default,
# and are deleted at the next start. Root is only needed to install the Debian packages that each file names.
set -euo pipefail
source "$(dirname "$0")/common.sh"
for service in ${*:-postgres mariadb s3}; do
  source "$(dirname "$0")/$service.sh"
  "start_$service"
done
