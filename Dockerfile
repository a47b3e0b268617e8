# The HTTP service as an image: docker build -t mien . && docker run --rm --read-only -p 127.0.0.1:8080:8080 mien
# Debian, since ONNX Runtime and sharp come as glibc binaries.
FROM node:20-bookworm-slim AS build
WORKDIR /mien
COPY package.json package-lock.json .npmrc ./
COPY packages/engine/package.json packages/engine/
COPY packages/mien/package.json packages/mien/
COPY packages/lab/package.json packages/lab/
# Without scripts: what the package builds for browsers is not served from here.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.base.json tsconfig.package.json ./
COPY packages/engine packages/engine
COPY packages/mien packages/mien
# onnxruntime-node and the codec of small JPEG files are optional peers of the package and here tools of development,
# which npm would prune; of what onnxruntime-node asks for, only onnxruntime-common is needed beyond its installation, and
# that is a dependency of the package. npm 11 brings them back as it prunes, npm 10 does not.
RUN node_modules/.bin/tsc -b packages/mien \
  && mv node_modules/onnxruntime-node node_modules/@cornerstonejs /tmp/ \
  && npm prune --omit=dev --workspace=mien --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/onnxruntime-node node_modules/@cornerstonejs \
  && mv /tmp/onnxruntime-node /tmp/@cornerstonejs node_modules/ \
  && rm -rf node_modules/onnxruntime-node/bin/*/darwin node_modules/onnxruntime-node/bin/*/win32

FROM node:20-bookworm-slim
WORKDIR /mien
ENV NODE_ENV=production
COPY --from=build /mien/node_modules node_modules
COPY --from=build /mien/packages/engine packages/engine
COPY --from=build /mien/packages/mien packages/mien
# Nothing is written while it runs, so the file system may be read-only.
USER node
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node itself, not npm, so that SIGTERM arrives.
ENTRYPOINT ["node", "packages/mien/dist/cli/main.js", "serve", "--host", "0.0.0.0"]
