#!/usr/bin/env bash
# Builds the image from the Dockerfile, looks into it and uses it:
#   1. the build context holds what the build needs and none of the things planted to be kept out;
#   2. the final stage is built on a binary that static-build.sh made from that very context, as the build stage would;
#   3. no private key in context or image; size, user and contents as promised;
#   4. the image's binary, alone in its read-only root and as its own user, makes a home, is logged in to with
#      `authsvc smoke`, stops on SIGTERM, and serves the same home again with the image's own command.
# Needs root (chroot, mounts), buildah, jq and openssl.
set -euo pipefail

# docs/adr/0036 tells what keeps it below.
MAX_BYTES=$((15 * 1024 * 1024))
READY_SECONDS=60

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
cd "$root"

say() { printf -- '-- %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

[ "$(id -u)" -eq 0 ] || die "the image stage needs root: it builds and runs in a chroot"

scratch=$(mktemp -d)
containers=() images=() server=
cleanup() {
    if [ -n "$server" ]; then kill -KILL "$server" 2>/dev/null || true; fi
    local name
    for name in "${containers[@]}"; do
        buildah umount "$name" >/dev/null 2>&1 || true
        buildah rm "$name" >/dev/null 2>&1 || true
    done
    for name in "${images[@]}"; do buildah rmi "$name" >/dev/null 2>&1 || true; done
    rm -rf "$scratch"
}
trap cleanup EXIT

# unpack IMAGE FOLDER: the image's files, as they are.
unpack() {
    local container mounted
    container=$(buildah from --pull-never "$1")
    containers+=("$container")
    mounted=$(buildah mount "$container")
    mkdir -p "$2"
    cp -a "$mounted/." "$2/"
}

# ---- 1. the context --------------------------------------------------------------------------------------------------

say "the build context"
checkout=$scratch/checkout
mkdir "$checkout"
bash "$here/copy-checkout.sh" "$checkout"

# What a checkout in use looks like. The key is made now and lives as long as this script.
key=$scratch/key.pem
openssl genpkey -algorithm ED25519 -out "$key"
planted=(
    keys/dev/ca.key keys/dev/authsvc.toml data.db authsvc/users.db users.db-wal .git/config .env
    target/debug/authsvc fuzz/target/release/key.pem fuzz/corpus/certificate_pem_der/seed
    authsvc/left-behind.pem certgen/src/client.p12 cryptokit/keys/root
)
for file in "${planted[@]}"; do
    mkdir -p "$checkout/$(dirname "$file")"
    cp "$key" "$checkout/$file"
done

printf 'FROM scratch\nCOPY . /\n' >"$scratch/Dockerfile.context"
images+=(authsvc-ci-context)
buildah bud --quiet --isolation chroot --file "$scratch/Dockerfile.context" --tag authsvc-ci-context "$checkout" >/dev/null
context=$scratch/context
unpack authsvc-ci-context "$context"
for file in "${planted[@]}"; do
    if [ -e "$context/$file" ]; then die ".dockerignore lets $file into the build context"; fi
done
python3 "$here/private_keys.py" folder "$context"
# The control: a key that no pattern keeps out must be found.
cp "$key" "$context/authsvc/src/planted"
if python3 "$here/private_keys.py" folder "$context" 2>/dev/null; then die "a key planted in the context was not found"; fi
rm "$context/authsvc/src/planted"

# ---- 2. the image ----------------------------------------------------------------------------------------------------

say "the static binary, from the context"
# The context leaves rust-toolchain.toml out: in the Dockerfile the base image decides, here this does.
toolchain=${RUSTUP_TOOLCHAIN:-$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)}
build=$scratch/build
RUSTUP_TOOLCHAIN=$toolchain CARGO_TARGET_DIR=$root/target bash "$context/.ci/static-build.sh" "$build/out"
headers=$(readelf --program-headers --wide "$build/out/authsvc")
if grep -q INTERP <<<"$headers"; then die "the binary is not static: it asks for a dynamic loader"; fi

say "the image"
# The named context stands in for the stage of the same name, whose base image need not be pulled then.
images+=(authsvc-ci)
buildah bud --isolation chroot --build-context "build=$build" --tag authsvc-ci "$checkout"
rootfs=$scratch/rootfs
unpack authsvc-ci "$rootfs"

# ---- 3. what is in it ------------------------------------------------------------------------------------------------

python3 "$here/private_keys.py" folder "$rootfs"
expected=$(printf '%s\n' ./ ./authsvc ./var ./var/lib ./var/lib/authsvc | sed 's|/$||')
contents=$(cd "$rootfs" && find . | sort)
[ "$contents" = "$expected" ] || die "the image holds other files than it should: $contents"
[ "$(stat -c '%a %u:%g' "$rootfs/var/lib/authsvc")" = "700 65532:65532" ] || die "the state folder is not the user's alone"
[ "$(stat -c '%a %u:%g' "$rootfs/authsvc")" = "755 0:0" ] || die "the binary could be changed by the user it runs as"

size=$(stat -c %s "$rootfs/authsvc")
say "$size bytes of at most $MAX_BYTES"
[ "$size" -le "$MAX_BYTES" ] || die "the image is too large"

config=$(buildah inspect --type image authsvc-ci | jq .OCIv1.config)
user=$(jq -r .User <<<"$config")
[ "$user" = 65532:65532 ] || die "the image runs as $user"
mapfile -t entrypoint < <(jq -r '.Entrypoint[]' <<<"$config")
mapfile -t command < <(jq -r '.Cmd[]' <<<"$config")
mapfile -t environment < <(jq -r '.Env[]?' <<<"$config")
home=/var/lib/authsvc

# ---- 4. using it -----------------------------------------------------------------------------------------------------

# As a container runtime would: the mount points that every container has, the state folder mounted, the rest read-only,
# the image's environment and no other, the host's network for lack of another.
state=$scratch/state
install -d -m 0700 -o 65532 -g 65532 "$state"
mkdir -p "$rootfs/proc" "$rootfs/dev" "$rootfs/sys"
in_image() {
    # shellcheck disable=SC2016 # expanded by the inner shell
    exec unshare --mount --propagation private bash -euo pipefail -c '
        rootfs=$1 state=$2 home=$3 user=$4
        shift 4
        mount --bind "$rootfs" "$rootfs"
        mount -o remount,bind,ro "$rootfs"
        mount --bind "$state" "$rootfs$home"
        mount -t proc proc "$rootfs/proc"
        mount --bind /dev "$rootfs/dev"
        mount --bind /sys "$rootfs/sys"
        environment=("${@:1:$1 + 1}") && shift "$((${#environment[@]}))"
        exec env -i "${environment[@]:1}" "$(command -v chroot)" --userspec="$user" "$rootfs" "$@"
    ' in-image "$rootfs" "$state" "$home" "$user" "${#environment[@]}" "${environment[@]}" "${entrypoint[@]}" "$@"
}

stop_server() {
    kill -TERM "$server"
    local status=0
    wait "$server" || status=$?
    server=
    [ "$status" -eq 0 ] || die "authsvc ended with status $status on SIGTERM"
}

smoke() {
    (in_image smoke --url "$public" --internal-url "$internal" --ca-file "$ca" --client-cert-file "$cert" \
        --client-key-file "$client_key" --login-file "$login")
}

# wait_until COMMAND...: polls; fails when the server ends or the time is up.
wait_until() {
    local deadline=$((SECONDS + READY_SECONDS))
    until "$@" >/dev/null 2>&1; do
        if ! kill -0 "$server" 2>/dev/null || [ "$SECONDS" -ge "$deadline" ]; then
            # Audit and log lines hold no secret; standard output may, so it is not shown.
            cat "$scratch/server.err" >&2
            die "authsvc from the image did not become ready"
        fi
        sleep 0.1
    done
}

say "a first run in the image: dev"
(in_image dev --json --home "$home" --public-port 0 --internal-port 0 --ops-port 0) \
    >"$scratch/server.out" 2>"$scratch/server.err" &
server=$!
wait_until grep -q '}' "$scratch/server.out"
first=$(head -n 1 "$scratch/server.out")
field() { jq -er --arg name "$1" '.[$name]' <<<"$first"; }
public=$(field public_url) internal=$(field internal_url) ops=$(field ops_url)
ca=$(field ca_file) cert=$(field client_cert_file) client_key=$(field client_key_file) login=$(field login_file)
wait_until curl --silent --fail "$ops/readyz"
smoke
stop_server

say "smoke fails when nothing answers"
if smoke >/dev/null 2>&1; then die "authsvc smoke succeeded without a server"; fi

say "the same home, served with the image's own command: ${command[*]}"
(in_image "${command[@]}") >"$scratch/server.out" 2>"$scratch/server.err" &
server=$!
wait_until curl --silent --fail "$ops/readyz"
smoke
# Asked for, where that is needed, and whether or not the kernel has any to give just now.
if grep -qs '\[madvise\]' /sys/kernel/mm/transparent_hugepage/enabled; then
    grep -qE '^VmFlags:.* hg( |$)' "/proc/$server/smaps" || die "the memory of hashes is not asked for as huge pages"
fi
stop_server

say "image: ok"
