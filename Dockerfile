# The image of controller and agent. Docker must have network for the first two stages only; the last one only copies.
#
#   docker build -t orrery:0.1.0 .
#
# NODE_IMAGE: another base, a Debian. BUILD_STAGE: an image that already holds /app/dist and /app/node_modules, built
# elsewhere. IP_STAGE: one that holds in /collected what is to be laid over the base; nothing, where that has `ip` itself.
ARG NODE_IMAGE=node:24-slim
ARG BUILD_STAGE=build
ARG IP_STAGE=ip

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY web web
COPY scripts/build-web.mjs scripts/
RUN npm run build && rm dist/build.tsbuildinfo && npm prune --omit=dev

# `ip` for the agent, with the libraries that it is linked with: 1.5 MB, a fifth of the package with what it asks for. Not
# the C library: the base has the same one.
FROM ${NODE_IMAGE} AS ip
RUN set -eu; \
  apt-get update; \
  apt-get install --yes --no-install-recommends iproute2; \
  program=$(readlink -f "$(command -v ip)"); \
  for file in "$program" $(ldd "$program" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p'); do \
    case $file in */libc.so.*) continue ;; esac; \
    folder=/collected$(readlink -f "$(dirname "$file")"); \
    mkdir -p "$folder"; \
    cp -L "$file" "$folder/"; \
  done

FROM ${BUILD_STAGE} AS built

FROM ${IP_STAGE} AS collected

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
WORKDIR /app
COPY --from=collected /collected /
COPY --from=built /app/package.json ./
COPY --from=built /app/node_modules node_modules
COPY --from=built /app/dist dist
EXPOSE 8000
# Only "is it alive": whether Swarm can be read is /readyz, and killing the process would not mend that.
HEALTHCHECK --interval=10s --timeout=10s --start-period=30s \
  CMD ["node", "/app/dist/main.js", "alive"]
# No command, `daemon --debug` and Orbiter's `/bin/orbiter daemon` all work behind it.
ENTRYPOINT ["node", "/app/dist/main.js"]
