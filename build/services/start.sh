#!/usr/bin/env bash
# Starts the servers that some suites need, on this machine alone: PostgreSQL, MariaDB and an S3 server.
#
#   bash build/services/start.sh                 all three
#   bash build/services/start.sh postgres s3     some of them: postgres, mariadb, s3
#   bash build/services/stop.sh                  ends what was started
#
# A server that already answers is used as it is. Data and logs are in SERVICES_DIR, /tmp/filefield-services by default;
# they are thrown away at the next start. Root is not needed, except to install the Debian packages that each file names.
set -euo pipefail
source "$(dirname "$0")/common.sh"
for service in ${*:-postgres mariadb s3}; do
  source "$(dirname "$0")/$service.sh"
  "start_$service"
done
