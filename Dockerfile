# The program, Node, the shared libraries that they load, and nothing else. No binary of the target platform is run, so
# that it is built for another architecture without emulation.
ARG NODE_IMAGE=docker.io/library/node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS target
# buildah would take a stage without an instruction for the base itself, and remove it with the other stages.
WORKDIR /

FROM --platform=${BUILDPLATFORM} ${NODE_IMAGE} AS build
ARG TARGETARCH
WORKDIR /src
COPY package.json package-lock.json ./
# The second tree is that of the target: its koffi is the one that is shipped.
RUN npm ci --ignore-scripts --no-audit --no-fund --loglevel=error \
 && mkdir /target && cp package.json package-lock.json /target && cd /target \
 && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --prefer-offline \
    --omit=dev --os=linux --cpu="$(echo "$TARGETARCH" | sed s/amd64/x64/)" --libc=glibc
COPY . .
ARG COMMIT
ARG SOURCE_DATE_EPOCH
RUN COMMIT="$COMMIT" SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" \
    node scripts/build.ts --modules /target/node_modules --cpu "$(echo "$TARGETARCH" | sed s/amd64/x64/)" \
 && mkdir -p /rootfs/etc && mv dist /rootfs/app && rm -rf /rootfs/app/node_modules/@koromix/*/musl_* \
 && echo 'root:x:0:0:root:/:/' > /rootfs/etc/passwd \
 && echo 'root:x:0:' > /rootfs/etc/group \
 && echo 'hosts: files dns' > /rootfs/etc/nsswitch.conf

COPY --from=target /usr/local/bin/node /rootfs/usr/local/bin/node
COPY --from=target /usr/lib /target/lib
# glibc asks for names by itself, and its loader finds libraries in /lib/<triplet> without a cache.
RUN set -eu; \
    case "$TARGETARCH" in \
      amd64) triplet=x86_64-linux-gnu loader=/lib64/ld-linux-x86-64.so.2 ;; \
      arm64) triplet=aarch64-linux-gnu loader=/lib/ld-linux-aarch64.so.1 ;; \
      *) echo "no image for $TARGETARCH: only amd64 and arm64" >&2; exit 1 ;; \
    esac; \
    mkdir -p "/rootfs/lib/$triplet" "/rootfs${loader%/*}"; \
    cd "/target/lib/$triplet"; \
    cp -L libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 libstdc++.so.6 libgcc_s.so.1 "/rootfs/lib/$triplet/"; \
    cp -L "${loader##*/}" "/rootfs$loader"

# V8's code cache, of a start in a pod and a stop of each command, where the target can be run here. Path, flags and Node are those of
# the entrypoint; V8 leaves the cache aside on a processor with other features.
RUN set -eu; cd /rootfs; mkdir app/cache; \
    [ "$TARGETARCH" = "$(dpkg --print-architecture)" ] || exit 0; \
    account=var/run/secrets/kubernetes.io/serviceaccount; mkdir -p $account; \
    echo token > $account/token; node -p 'tls.rootCertificates[0]' > $account/ca.crt; \
    export KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT=1; \
    serve() { \
      NODE_COMPILE_CACHE=/app/cache chroot . \
      /usr/local/bin/node --disable-sigusr1 --expose-gc --max-semi-space-size=1 --max-old-space-size=64 /app/main.js "$@" \
        --endpoint=unix:///csi.sock & plugin=$!; \
      until [ -S csi.sock ]; do kill -0 $plugin; sleep 0.1; done; \
      kill $plugin; wait $plugin; \
    }; \
    serve node --nodeid=build --health-addr=127.0.0.1:0 --metrics-addr=127.0.0.1:0; \
    serve provider --healthz-port=127.0.0.1:0 --prometheus-port=127.0.0.1:0; \
    rm -r var

FROM scratch
COPY --from=build /rootfs /
ARG VERSION
ARG COMMIT
LABEL org.opencontainers.image.title="azure-keyvault-csi" \
      org.opencontainers.image.description="Kubernetes pods get their secrets, keys and certificates from Azure Key Vault: CSI node plugin and Azure provider in one process" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}"
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/app/cache \
    MALLOC_ARENA_MAX=2 \
    UV_THREADPOOL_SIZE=16
ENTRYPOINT ["/usr/local/bin/node", "--disable-sigusr1", "--expose-gc", "--max-semi-space-size=1", "--max-old-space-size=64", "/app/main.js", "node"]
