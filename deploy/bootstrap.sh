#!/usr/bin/env bash
# Brings what the platform needs: uv and the pinned Python packages into this folder, and with
# "tests" also the system's Chromium with a Chinese font. Quick when everything is there.
set -euo pipefail
cd "$(dirname "$0")/.."

uv_version=0.13.9
certificates=/etc/ssl/certs/ca-certificates.crt

main() {
    trust_system_certificates
    install_uv
    say "Python packages"
    VIRTUAL_ENV= .tools/bin/uv sync --frozen --no-python-downloads --python "$(python311)"
    if [[ ${1-} == tests ]]; then
        install_browser
    fi
}

say() { printf '\e[1m== %s\e[0m\n' "$*"; }

fail() {
    printf 'bootstrap: %s\n' "$*" >&2
    exit 1
}

trust_system_certificates() {
    [[ -f $certificates ]] || return 0
    export SSL_CERT_FILE="${SSL_CERT_FILE:-$certificates}"
    export PIP_CERT="${PIP_CERT:-$SSL_CERT_FILE}"
}

python311() {
    local candidate
    for candidate in python3.11 python3 /usr/local/bin/python3.11 /usr/bin/python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    fail "Python 3.11 is needed and was not found"
}

install_uv() {
    if [[ $(.tools/bin/uv --version 2>/dev/null) == "uv $uv_version "* ]]; then
        return
    fi
    say "uv $uv_version"
    local python
    python=$(python311)
    "$python" -c 'import ensurepip, venv' 2>/dev/null || apt_install python3-venv
    "$python" -m venv --clear .tools
    .tools/bin/python -m pip install --quiet --disable-pip-version-check "uv==$uv_version"
}

install_browser() {
    local packages=()
    [[ -x /usr/bin/chromium-headless-shell ]] || packages+=(chromium-headless-shell)
    [[ -d /usr/share/fonts/opentype/noto ]] || packages+=(fonts-noto-cjk)
    if ((${#packages[@]})); then
        say "Chromium and a Chinese font"
        apt_install "${packages[@]}"
    fi
}

apt_install() {
    [[ $(id -u) == 0 ]] || fail "only root can install: apt-get install $*"
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -y -q install --no-install-recommends "$@"
}

main "$@"
