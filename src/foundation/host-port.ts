/** `10.0.0.1:80`, `[fd00::1]:80`, `web:80`: as a URL names where something listens. */
export const hostPort = (host: string, port: number | string): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`
