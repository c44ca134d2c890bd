#!/usr/bin/env bash
# Builds the image where there is no Docker engine and no registry of images, and runs what a pod would run in it.
# In the place of Airflow's image stands one of Debian's packages, with its user and without Airflow itself.
# Needs root, uv, and: apt install buildah debootstrap
set -euo pipefail
cd "$(dirname "$0")/.."
work=${1:-$(mktemp --directory)}
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
buildah() { timeout 900 buildah --root "$work/images" --runroot "$work/run" "$@"; }

if [ ! -e "$work/debian/usr/bin/python3" ]; then
  timeout 900 debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$work/debian"
fi
stand_in=$(buildah from scratch)
buildah add --quiet "$stand_in" "$work/debian" /
buildah run "$stand_in" -- sh -c 'useradd --uid 50000 --gid 0 --create-home airflow && install -d -o airflow /opt/airflow'
# Where calls go through a proxy with certificates of its own, these are the ones to trust.
buildah config --env SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt "$stand_in"
buildah commit --quiet --rm "$stand_in" localhost/airflow-stand-in

rm -rf "$work/dist"
uv build --quiet --wheel --out-dir "$work/dist"
mkdir -p dist && cp "$work"/dist/*.whl dist/
wheel=dist/$(basename "$work"/dist/*.whl)
hash=$(sha256sum "$wheel" | cut --delimiter=' ' --fields=1)
buildah bud --network host --volume /etc/ssl/certs:/etc/ssl/certs:ro --build-arg AIRFLOW=localhost/airflow-stand-in \
  --build-arg WHEEL="$wheel" --build-arg WHEEL_SHA256="$hash" \
  --ignorefile orchestrate/Dockerfile.dockerignore --file orchestrate/Dockerfile --tag localhost/flipkart-reports .

pod=$(buildah from localhost/flipkart-reports)
trap 'buildah rm "$pod" > /dev/null' EXIT
within() { buildah run --user 50000 "$pod" -- "$@"; }
[ "$(within id --user)" = 50000 ]
within grep --quiet "#sha256=$hash" /opt/flipkart-reports/meltano.yml
within test -f /opt/airflow/dags/flipkart_reports.py
within setpriv --pdeathsig TERM timeout --kill-after=60 60 meltano --version
# shellcheck disable=SC2016 # the pod's shell reads it
within sh -c 'cd "$MELTANO_PROJECT_ROOT" && export TAP_FLIPKART_REPORTS_API_URL=simulator \
  TAP_FLIPKART_REPORTS_SELLERS="[{\"seller_id\": \"acme\"}]" TAP_FLIPKART_REPORTS_START_DATE=2026-10-01 \
  && meltano invoke --no-install tap-flipkart-reports:plan > /tmp/plan.json && grep --count trigger /tmp/plan.json \
  && meltano invoke --no-install target-postgres --version'
printf 'The image builds, and has what a run needs.\n'
