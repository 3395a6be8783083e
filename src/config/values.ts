/** How the text of a variable is read. Each throws Error with what would be right. */
import { parseDuration } from '../foundation/duration.ts'

export const text = (value: string): string => value

export function flag(value: string): boolean {
  if (/^(true|1|yes|on)$/i.test(value)) return true
  if (/^(false|0|no|off)$/i.test(value)) return false
  throw new Error('write true or false')
}

export function duration(value: string): number {
  const ms = parseDuration(value)
  if (ms === undefined) throw new Error('write a duration such as 30s, 5m or 1h, or a whole number of seconds')
  return ms
}

export function httpUrl(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return value.replace(/\/+$/, '')
  throw new Error('write a URL such as http://127.0.0.1:8000')
}

export function httpUrls(value: string): readonly string[] {
  const written = value.split(',').map((url) => url.trim())
  return written.filter((url) => url !== '').map(httpUrl)
}

export function dockerHost(value: string): string {
  if (/^(unix:\/\/\/.|tcp:\/\/[^/]|https?:\/\/[^/])/.test(value)) return value
  throw new Error('write unix:///path/to/docker.sock or tcp://host:2376')
}

export function apiVersion(value: string): string {
  const version = value.replace(/^v/, '')
  if (/^\d{1,2}\.\d{1,3}$/.test(version)) return version
  throw new Error('write an engine API version such as 1.44, or better leave it out')
}

export function headerName(value: string): string {
  if (/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(value)) return value
  throw new Error('write the name of a header, such as X-Grafana-Alerting-Timestamp')
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export function logLevel(value: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === value.toLowerCase())
  if (level === undefined) throw new Error(`write one of ${LOG_LEVELS.join(', ')}`)
  return level
}
