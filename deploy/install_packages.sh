#!/bin/sh
# Installs the Debian packages of a list in deploy/ that are missing:
# install_packages.sh [LIST], debian_packages.txt unless told.
# Needs root or sudo only if some are.
set -eu
here=$(dirname "$0")
list=$here/${1:-debian_packages.txt}

missing=
for package in $(sed -e 's/#.*//' "$list"); do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "installing:$missing"
sudo=
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "error: need root or sudo to install:$missing" >&2; exit 1; }
  sudo=sudo
fi
$sudo apt-get update -qq
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
