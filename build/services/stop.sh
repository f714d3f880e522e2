#!/usr/bin/env bash
# Stops the servers that start.sh has started, all of them or those named as arguments.
set -euo pipefail
source "$(dirname "$0")/common.sh"
for service in ${*:-postgres mariadb s3}; do
  source "$(dirname "$0")/$service.sh"
  "stop_$service"
  echo "$service is stopped"
done
