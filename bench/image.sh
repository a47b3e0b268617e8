#!/bin/bash
# Builds the Dockerfile without a registry, and runs the image as its user, read-only, without network and rights.
#
#   apt-get install --no-install-recommends buildah debootstrap bubblewrap
#   bash bench/image.sh                 # as root; MIEN_IMAGE_DIR=DIR keeps base, layers and image for the next time
#
# The base image is made here, of Debian's packages, the Node that runs this and the npm that comes with Node 20:
# node:20-bookworm-slim is the same Debian with Node's own build. npm asks the registry that it asks on this machine.
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/.." && pwd)
WORK=${MIEN_IMAGE_DIR:-$(mktemp -d -t mien-image.XXXXXX)}
BASE=docker.io/library/node:20-bookworm-slim
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
container=
buildah() { command buildah --root "$WORK/storage" --runroot "$WORK/run" "$@"; }
finish() {
  [[ -z $container ]] || buildah rm "$container" > /dev/null
  [[ -n ${MIEN_IMAGE_DIR:-} ]] || rm -rf "$WORK"
}
trap finish EXIT

if ! buildah inspect --type image "$BASE" > /dev/null 2>&1; then
  echo '== base: Debian by debootstrap, with this Node and npm 10'
  base=$WORK/base
  [[ -x $base/bin/sh && ! -d $base/debootstrap ]] || debootstrap --variant=minbase bookworm "$base" > "$WORK/debootstrap.log"
  mkdir -p "$base"/usr/local/{etc,lib/node_modules} "$base/etc/ssl/certs"
  cp -L "$(command -v node)" "$base/usr/local/bin/node"
  rm -rf "$base/usr/local/lib/node_modules/npm"
  (cd "$WORK" && tar -xzf "$(npm pack --silent npm@10.8.2)" && mv package "$base/usr/local/lib/node_modules/npm")
  for name in npm npx; do ln -sf "../lib/node_modules/npm/bin/$name-cli.js" "$base/usr/local/bin/$name"; done
  grep -q '^node:' "$base/etc/passwd" || chroot "$base" useradd --uid 1000 --user-group --create-home node
  # A network that is looked into has a certificate of its own; without it npm repeats its requests for many minutes.
  cafile=$(npm config get cafile)
  if [[ -f $cafile ]]; then
    cp -L "$cafile" "$base/etc/ssl/certs/npm.crt"
    echo 'cafile=/etc/ssl/certs/npm.crt' > "$base/usr/local/etc/npmrc"
  fi
  rm -rf "$base"/var/cache/apt/archives/*.deb "$base"/var/lib/apt/lists/*
  container=$(buildah from scratch)
  buildah add --quiet "$container" "$base" / > /dev/null
  buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
  buildah commit --quiet "$container" "$BASE" > /dev/null
  buildah rm "$container" > /dev/null
  container=
fi

echo '== build'
buildah bud --pull-never --network host --layers --format docker --ignorefile "$ROOT/.dockerignore" -t mien "$ROOT"
buildah images mien

echo '== run: user 1000, read-only, no network, no capabilities'
container=$(buildah from --pull-never mien)
mounted=$(buildah mount "$container")
# What the image says, as one word of the shell for each of its words.
configured() {
  buildah inspect --type image mien | node -e '
    const { config } = JSON.parse(require("fs").readFileSync(0, "utf8")).Docker;
    const words = { user: [config.User], entrypoint: config.Entrypoint, health: config.Healthcheck.Test.slice(1) };
    for (const word of words[process.argv[1]]) process.stdout.write(word + "\0");
  ' "$1" | xargs -0 printf '%q '
}
[[ $(configured user) == 'node ' ]]
# Inside: the entrypoint with the arguments of docs/service.md, its health check, a request, SIGTERM.
cat > "$WORK/inside.sh" <<'INSIDE'
entrypoint=$1 health=$2
id
if touch /mien/written /tmp/written 2> /dev/null; then echo 'the file system can be written'; exit 1; fi
eval "exec $entrypoint --processes 1 --threads 1" &
service=$!
for _ in $(seq 120); do sleep 0.5; eval "$health" && healthy=1 && break; done
echo "health check: ${healthy:-0}"
node -e '
  const body = JSON.stringify({ items: [{ text: "At last we won!" }] });
  const headers = { "Content-Type": "application/json" };
  fetch("http://127.0.0.1:8080/v1/recognize", { method: "POST", headers, body })
    .then((response) => response.json())
    .then(({ results: [{ label }] }) => { console.log("answer:", label); process.exit(label === "joy" ? 0 : 1); });
' || exit 1
node -e 'fetch("https://registry.npmjs.org", { signal: AbortSignal.timeout(3000) }).then(() => process.exit(1), () => console.log("no network"))' || exit 1
kill -TERM $service
wait $service
status=$?
echo "stopped with $status"
exit $status
INSIDE
# The script comes by standard input: nothing is added to the image.
bwrap --ro-bind "$mounted" / --proc /proc --dev /dev --unshare-all --uid 1000 --gid 1000 --cap-drop ALL \
  --die-with-parent --new-session --clearenv --setenv NODE_ENV production --setenv HOME / \
  --setenv PATH /usr/local/bin:/usr/bin:/bin --chdir /mien \
  /bin/bash -s "$(configured entrypoint)" "$(configured health)" < "$WORK/inside.sh"
