#!/usr/bin/env bash
# Builds the real parts that the conformance suites drive, from their Go modules, into a cache folder
# outside the repository.
#
#   get.sh [PART ...]      PART: etcd etcdctl kubectl go-clients oracle helm3 helm4 operator flux argo python kube-apiserver
#
# Without arguments: all but kube-apiserver (four minutes of compiling; only the reference needs it).
# Each part is keyed by its sources and versions, so a warm cache costs nothing. Prints the bin folder.
#
#   MYRIAD_CI_CACHE   cache folder (default: ~/.cache/myriad-ci)
#   PARTS_JOBS        how many compiler processes at once (default: 2)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${MYRIAD_CI_CACHE:-$HOME/.cache/myriad-ci}
bin=$cache/bin
jobs=${PARTS_JOBS:-2}
kubernetes=1.36.3
mkdir -p "$bin"

# A release number must be linked in, or clients cannot parse the version.
version_flags="-X k8s.io/component-base/version.gitVersion=v$kubernetes"
version_flags+=" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36"

# build NAME MODULE-FOLDER PACKAGE [LINKER-FLAGS]
build() {
  local name=$1 folder=$2 package=$3 flags="-s -w ${4:-}" key
  key=$(cd "$folder" && {
    echo "$package $flags"
    go version
    # The module and those that it takes from folders beside it.
    { echo . && sed -n 's,.* => \(\.\./.*\),\1,p' go.mod; } | while read -r each; do
      find "$each" -type f \( -name '*.go' -o -name '*.yaml' -o -name 'go.*' \)
    done | LC_ALL=C sort | xargs sha256sum
  } | sha256sum | cut -c1-32)
  if [[ -x $bin/$name && $(cat "$bin/.$name.key" 2>/dev/null) == "$key" ]]; then return; fi
  echo "building $name" >&2
  local start=$SECONDS
  (cd "$folder" && GOFLAGS=-mod=readonly GOMAXPROCS=$jobs CGO_ENABLED=0 \
    go build -p "$jobs" -trimpath -buildvcs=false -ldflags "$flags" -o "$bin/.$name.new" "$package")
  # The old program may be running: rename over it, never write into it.
  mv -f "$bin/.$name.new" "$bin/$name"
  echo "$key" >"$bin/.$name.key"
  echo "built $name in $((SECONDS - start)) s" >&2
}

# The Python client, in a virtual environment of its own.
python() {
  local folder=$cache/python key
  key=$(python3 --version && sha256sum <"$here/python/requirements.txt")
  if [[ -x $folder/bin/python && $(cat "$folder/.key" 2>/dev/null) == "$key" ]]; then return; fi
  echo "installing the Python client" >&2
  local start=$SECONDS
  rm -rf "$folder"
  python3 -m venv "$folder"
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$here/python/requirements.txt" >&2
  echo "$key" >"$folder/.key"
  echo "installed the Python client in $((SECONDS - start)) s" >&2
}

for part in "${@:-etcd etcdctl kubectl go-clients oracle helm3 helm4 operator flux argo python}"; do
  for name in $part; do
    case $name in
      etcd | etcdctl) build "$name" "$here/etcd" "./$name" ;;
      kubectl) build kubectl "$here/kubectl" . "$version_flags" ;;
      go-clients) build go-clients "$here/../go" . ;;
      oracle) build oracle "$here/../oracle" . ;;
      helm3 | helm4) build "$name" "$here/helm" "helm.sh/helm/v${name#helm}/cmd/helm" ;;
      operator) build operator "$here/../operator" . ;;
      flux | argo) build "$name" "$here/../gitops/$name" . ;;
      python) python ;;
      kube-apiserver) build kube-apiserver "$here/kube-apiserver" . "$version_flags" ;;
      *) echo "unknown part: $name" >&2 && exit 2 ;;
    esac
  done
done
echo "$bin"
