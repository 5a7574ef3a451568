#!/bin/sh
# Builds the control plane, kubectl and Helm, once for each version of their sources, and
# prints the folder that holds them. It lies outside the clone: another clone builds nothing.
set -eu
cd "$(dirname "$0")"

# Plain Go builds everywhere; with a C compiler in reach the result would depend on it.
export CGO_ENABLED=0
kubernetes=$(sed -n 's|^	k8s.io/kubernetes v||p' go.mod)
major=${kubernetes%%.*} rest=${kubernetes#*.}
# Helm reads the API server's version, which an untold build does not know.
version=k8s.io/component-base/version
ldflags="-s -w -X $version.gitVersion=v$kubernetes -X $version.gitMajor=$major -X $version.gitMinor=${rest%%.*}"

checksum() { sha256sum 2>/dev/null || shasum -a 256; }
key=$({ go version && cat build.sh go.mod go.sum ./*.go; } | checksum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/scim-operator/cluster
folder=$cache/$key

# The lock is a link to its holder's process id: made in one step, and telling when it is stale.
lock=$cache/$key.lock
lock() {
  mkdir -p "$cache"
  until ln -s $$ "$lock" 2>/dev/null; do
    kill -0 "$(readlink "$lock")" 2>/dev/null || rm -f "$lock"
    sleep 1
  done
  trap 'rm -rf "$lock" "$folder.new"' EXIT
  trap 'exit 1' HUP INT TERM
}

build() {
  echo "Building a Kubernetes control plane and Helm into $folder. The first time takes minutes: about eight on two cores." >&2
  go build -buildvcs=false -trimpath -ldflags "$ldflags" -o "$folder.new/cluster" .
  go build -buildvcs=false -trimpath -ldflags "$ldflags" -o "$folder.new/helm" helm.sh/helm/v4/cmd/helm
  ln -s cluster "$folder.new/kubectl"
  mv "$folder.new" "$folder"
}

if ! [ -d "$folder" ]; then
  lock
  [ -d "$folder" ] || build
fi
echo "$folder"
