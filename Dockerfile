# The controller's image. Docker must have network for the first stage only; the last one only copies.
#
#   docker build -t orrery .
#
# NODE_IMAGE: another base. BUILD_STAGE: an image that already holds /app/dist and /app/node_modules, built elsewhere.
ARG NODE_IMAGE=node:24-slim
ARG BUILD_STAGE=build

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build && npm prune --omit=dev

FROM ${BUILD_STAGE} AS built

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
WORKDIR /app
COPY --from=built /app/package.json ./
COPY --from=built /app/node_modules node_modules
COPY --from=built /app/dist dist
EXPOSE 8000
# Only "is it alive": whether Swarm can be read is /readyz, and killing the process would not mend that.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
  CMD ["node", "/app/dist/main.js", "alive"]
# No command, `daemon --debug` and Orbiter's `/bin/orbiter daemon` all work behind it.
ENTRYPOINT ["node", "/app/dist/main.js"]
