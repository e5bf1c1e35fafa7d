# tidings in a container; its state is in the volume /data.
#
#     docker build -t tidings .
#     docker run -d -p 8080:8080 -v tidings:/data tidings
#
# With a configuration of your own:
#
#     docker run -d -p 8080:8080 -v tidings:/data -v "$PWD/tidings.toml:/data/tidings.toml:ro" \
#         -e TIDINGS_CONFIG=/data/tidings.toml tidings

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY migrations migrations
COPY config config
COPY docs docs
COPY benches benches
COPY src src
RUN cargo build --release --locked

FROM debian:bookworm-slim
# Certificates of publishers and mail servers are checked against the system's; digests have their time zones.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 tidings \
    && useradd --uid 10001 --gid tidings --no-create-home --home-dir /data --shell /usr/sbin/nologin tidings \
    && install -d -o tidings -g tidings -m 0750 /data
COPY --from=build /src/target/release/tidings /usr/local/bin/tidings

# These two win over the configuration: the store is in the volume, and the port is open to the outside.
# mail.directory is not among them, as it would be a fault beside an SMTP server. The default, data/mail, starts from
# /data, with the built-in configuration as with /data/tidings.toml. A configuration that lies elsewhere names its
# directory in full: directory = "/data/mail".
ENV TIDINGS_STORE__URL=sqlite:/data/tidings.db \
    TIDINGS_WEB__LISTEN=0.0.0.0:8080

# By number, so that "not root" can be seen without the image's list of users.
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080

# There is no curl here; bash can ask by itself. Anything but a 200 is bad health.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${TIDINGS_WEB__LISTEN##*:} && printf 'GET /readyz HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && read -rt 5 _ status _ <&3 && [[ $status == 200 ]] || exit 1"]

ENTRYPOINT ["tidings"]
CMD ["run"]
