# An S3 server on 127.0.0.1:21120 (S3_PORT): the RADOS Gateway of Ceph, with everything in memory.
# The access key is S3TEST, the secret S3TESTSECRET.
# Debian: apt-get install --no-install-recommends radosgw ceph-mon ceph-osd ceph-common
#
# The gateway needs a Ceph cluster. The smallest has one monitor, which manages the cluster, and one storage daemon (OSD),
# which holds the objects. They are reachable only from this machine, so they do not authenticate each other.

s3_port=${S3_PORT:-21120}
monitor_port=$((s3_port - 10))

start_s3() {
  local folder=$services/s3
  if is_listening "$s3_port"; then
    echo "An S3 server is already running on port $s3_port"
    return 0
  fi
  command -v radosgw ceph-mon ceph-osd ceph >/dev/null ||
    { echo 'Ceph is not installed: apt-get install radosgw ceph-mon ceph-osd ceph-common' >&2; return 1; }
  new_folder "$folder" "$(id -un)"
  s3_configuration "$folder" >"$folder/ceph.conf"
  export CEPH_CONF=$folder/ceph.conf
  start_monitor "$folder"
  start_osd "$folder"
  run_in_background "$folder" radosgw -n client.admin -f
  wait_for 'The S3 server' is_listening "$s3_port"
  radosgw-admin user create --uid=test --display-name=test --access-key=S3TEST --secret=S3TESTSECRET >/dev/null
  echo "The S3 server started on port $s3_port"
}

# The data is not needed any more, so the programs are killed; an orderly shutdown takes seconds.
stop_s3() { end_programs KILL "$services/s3" radosgw ceph-osd ceph-mon; }

start_monitor() {
  local folder=$1
  monmaptool --create --fsid "$(ceph-conf -s global fsid)" --addv a "[v2:127.0.0.1:$monitor_port]" \
    "$folder/monmap" >/dev/null
  # The monitor needs a key even without authentication.
  ceph-authtool --create-keyring "$folder/keyring" --gen-key -n mon. --cap mon 'allow *' >/dev/null
  ceph-mon --mkfs -i a --monmap "$folder/monmap" --keyring "$folder/keyring"
  run_in_background "$folder" ceph-mon -i a -f
  wait_for 'The monitor of Ceph' timeout 5 ceph status
}

start_osd() {
  local folder=$1 id
  id=$(cat /proc/sys/kernel/random/uuid)
  ceph osd new "$id" >/dev/null
  mkdir "$folder/osd"
  ceph-osd -i 0 --mkfs --osd-uuid "$id" >"$folder/mkfs.out" 2>&1
  run_in_background "$folder" ceph-osd -i 0 -f
  wait_for 'The storage daemon of Ceph' osd_is_up
}

osd_is_up() { ceph osd stat | grep -q ' 1 up'; }

s3_configuration() {
  local folder=$1
  cat <<CONF
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon host = [v2:127.0.0.1:$monitor_port]
public addr = 127.0.0.1
# The storage daemon uses free ports between those of the monitor and the gateway.
ms bind port min = $((monitor_port + 1))
ms bind port max = $((s3_port - 1))

auth cluster required = none
auth service required = none
auth client required = none
# By default the gateway encrypts its connection to the monitor, which needs authentication.
ms mon client mode = crc

# All files are in one folder.
run dir = $folder
admin socket = $folder/\$name.\$pid.socket
log file = $folder/\$name.log
keyring = $folder/keyring
mon data = $folder/monitor
osd data = $folder/osd

# Objects in memory, at most 1 GiB, and one copy of each.
osd objectstore = memstore
memstore device bytes = 1073741824
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
# Placement groups are created one after the other, so fewer of them start faster.
osd pool default pg num = 8
osd pool default pg autoscale mode = off
# Copies are spread over storage daemons, not over machines.
osd crush chooseleaf type = 0
# The monitor commits changes at once; by default it collects them for a second.
paxos propose interval = 0.05
paxos min wait = 0.01
# The parts of deleted objects are freed within a minute; by default after two hours, when the memory may be full.
rgw gc obj min wait = 20
rgw gc processor period = 30
rgw gc processor max time = 30
# By default the monitor stops when the disk is nearly full.
mon data avail crit = 1

rgw frontends = beast endpoint=127.0.0.1:$s3_port
CONF
}
