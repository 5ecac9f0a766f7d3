#!/usr/bin/env bash
# Installs the S3 server that the tests of the blobs run against, into the folder that cargo builds
# in, so that it is kept as long as the rest of the build. Takes one or two minutes on two cores once;
# does nothing if it is there. Without it those tests say that they were skipped. `ALEPHD_S3_SERVER`
# names another build of the same server.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

# The newest that the pinned compiler builds.
S3S_FS=0.14.1

if [ -n "${ALEPHD_S3_SERVER:-}" ] || [ -x "$TARGET/s3s/bin/s3s-fs" ]; then exit 0; fi
say "s3: building s3s-fs $S3S_FS (once, some minutes)"
mkdir -p "$TARGET"
target=$(cd "$TARGET" && pwd)
env -u RUSTFLAGS CARGO_TARGET_DIR="$target/s3s-build" CARGO_PROFILE_RELEASE_LTO=off \
  cargo install --quiet --locked --features binary --root "$target/s3s" "s3s-fs@$S3S_FS"
rm -rf "$target/s3s-build"
