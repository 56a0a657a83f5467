# The authsvc image: one static binary on an empty base, no shell, no keys, an unprivileged user.
#
#   docker build -t authsvc .
#   docker run --rm -v authsvc:/var/lib/authsvc authsvc init --home /var/lib/authsvc --issuer https://auth.internal \
#       --server-san auth.internal --public-address 0.0.0.0:8443 --internal-address 0.0.0.0:9443
#   docker run --read-only -v authsvc:/var/lib/authsvc -p 8443:8443 -p 9443:9443 authsvc
#
# Keys, configuration and database are in the mounted folder and nowhere else.

FROM docker.io/library/rust:1.95.0-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    bash .ci/static-build.sh /out

FROM scratch
LABEL org.opencontainers.image.title="authsvc" \
      org.opencontainers.image.description="Checks passwords, issues RS256 tokens and validates them over mTLS" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
# The state folder: 0700 and owned by the service's user, so that a new volume mounted on it is too.
WORKDIR /var/lib
COPY --from=build --chown=65532:65532 /out/state/ ./
COPY --from=build /out/authsvc /authsvc
WORKDIR /var/lib/authsvc
USER 65532:65532
# Large blocks of memory, which are those that passwords are hashed in, on huge pages where the host offers them
# (docs/adr/0038).
ENV GLIBC_TUNABLES=glibc.malloc.hugetlb=1
# public (TLS), internal (mTLS), ops (plain HTTP: keep it on a private network)
EXPOSE 8443 9443 9464
STOPSIGNAL SIGTERM
ENTRYPOINT ["/authsvc"]
CMD ["serve", "--config", "/var/lib/authsvc/authsvc.toml"]
