#!/usr/bin/env bash
# Copies what a commit could carry (tracked files and new ones that are not ignored) into an empty folder: the checkout
# as a clone would have it, without builds and keys.
# Usage: copy-checkout.sh FOLDER
set -euo pipefail

folder=$(realpath "${1:?usage: copy-checkout.sh FOLDER}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."

git ls-files -z --cached --others --exclude-standard |
    while IFS= read -r -d '' file; do
        # A tracked file may be deleted in the work tree.
        if [ -f "$file" ]; then printf '%s\0' "$file"; fi
    done |
    tar --null --files-from=- --create --file=- |
    tar --extract --file=- --directory="$folder"
