/** How the text of a variable is read. Each throws Error with what would be right. */
import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net'
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

/** At least a second. */
export function tick(value: string): number {
  const ms = duration(value)
  if (ms < 1000) throw new Error('write a duration of at least 1s')
  return ms
}

export function httpUrl(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new Error('write a URL such as http://127.0.0.1:8000')
  // It is sent decoded.
  if (/%(?![0-9a-f]{2})/i.test(`${url.username}${url.password}`))
    throw new Error('the credential in it has a % that begins no %xx; write it as %25')
  return value.replace(/\/+$/, '')
}

/** With or without a scheme, as Consul's own tools take it. */
export function consulUrl(value: string): string {
  const url = /^[a-z]+:\/\//i.test(value) ? value : `http://${value}`
  const { pathname = '', protocol = '' } = URL.canParse(url) ? new URL(url) : {}
  if (/^https?:$/.test(protocol) && pathname === '/') return url.replace(/\/+$/, '')
  throw new Error('write a URL such as http://127.0.0.1:8500')
}

/** One of these words. */
export const oneOf =
  <const T extends string>(words: readonly T[]) =>
  (value: string): T => {
    const word = words.find((known) => known === value)
    if (word === undefined) throw new Error(`write ${words.length > 1 ? 'one of ' : ''}${words.join(', ')}`)
    return word
  }

/** The parts of a comma list, without blanks around them and without empty ones. */
export const texts = (list: string): readonly string[] =>
  list
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')

/** Of places that are named in the log. */
export const httpUrlsWithoutCredential = (list: string): readonly string[] =>
  texts(list).map((value) => {
    const url = httpUrl(value)
    const { username, password } = new URL(url)
    if (username === '' && password === '') return url
    throw new Error('write the URLs without a credential; ORRERY_AGENT_TOKEN_FILE names the file of the token')
  })

export function dockerHost(value: string): string {
  if (/^(unix:\/\/\/.|tcp:\/\/[^/]|https?:\/\/[^/])/.test(value)) return value
  throw new Error('write unix:///path/to/docker.sock or tcp://host:2376')
}

export type Pages = 'on' | 'read' | 'off'

export const pages = (value: string): Pages => oneOf(['on', 'read', 'off'])(value.toLowerCase())

/** `undefined` for `off`. */
export function socketPath(value: string): string | undefined {
  if (/^off$/i.test(value)) return undefined
  if (value.startsWith('/')) return value
  throw new Error('write the path of a socket such as /var/run/docker/swarm/control.sock, or off')
}

/** With commas. */
export function names(value: string): readonly string[] {
  const written = texts(value.toLowerCase())
  const wrong = written.find((name) => !/^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_.])?$/.test(name))
  if (wrong !== undefined)
    throw new Error(`"${wrong}" is not a host name; write names such as orrery.example.com, without a port`)
  return written
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

/** A path below which routes are served once more, without a slash at its end; empty for none. */
export function pathPrefix(value: string): string {
  const path = value.replace(/\/+$/, '')
  if (path === '' || /^(\/[A-Za-z0-9._~-]+)+$/.test(path)) return path
  throw new Error('write a path such as /scaler, of letters, digits and . _ ~ -')
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export const logLevel = (value: string): LogLevel => oneOf(LOG_LEVELS)(value.toLowerCase())

/** `10.0.0.0/8,fd00::/8,192.0.2.7`, each proven to be a network; a bare address means that address alone. */
export const cidrs = (list: string): readonly string[] => texts(list).map(cidr)

function cidr(value: string): string {
  const [address = '', prefix, ...rest] = value.split('/')
  const longest = isIP(address) === 6 ? 128 : 32
  const bits = prefix === undefined ? longest : Number(prefix)
  const isPrefixReadable = prefix === undefined || /^\d{1,3}$/.test(prefix)
  if (isIP(address) === 0 || rest.length > 0 || !isPrefixReadable || bits > longest) {
    throw new Error(`"${value}" is not a network; write addresses with a prefix length, such as 10.0.0.0/8,fd00::/8`)
  }
  if (address.includes('%')) throw new Error(`"${value}" names a zone, which is not compared: leave it out`)
  if (isMapped(address) && (bits < MAPPED_BITS || !/^::ffff:[\d.]+$/i.test(address))) {
    throw new Error(`"${value}" is IPv4 in IPv6 spelling; write it as IPv4, such as 10.0.0.0/8`)
  }
  return `${address}/${bits}`
}

const MAPPED_BITS = 96
const mapped = new BlockList()
mapped.addSubnet('::ffff:0:0', MAPPED_BITS, 'ipv6')

const isMapped = (address: string): boolean => isIPv6(address) && mapped.check(address, 'ipv6')

/** `host` absent: every address of the machine, IPv4 and IPv6 alike. */
export interface ListenAddress {
  readonly host?: string
  readonly port: number
}

const LISTEN_EXPECTS = 'write host:port, [::]:port or :port, several with commas, such as 0.0.0.0:8000,[::1]:8000'
const HOST_NAME = /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/

/** An empty part of the list is refused: it would silently listen on less than was written. */
export const listenAddresses = (list: string): readonly ListenAddress[] =>
  list.split(',').map((part) => listenAddress(part.trim()))

function listenAddress(value: string): ListenAddress {
  const colon = value.lastIndexOf(':')
  const portText = value.slice(colon + 1)
  const port = Number(portText)
  if (colon < 0 || !/^\d{1,5}$/.test(portText) || port > 65_535) {
    throw new Error(`"${value}" has no port between 0 and 65535; ${LISTEN_EXPECTS}`)
  }
  const written = value.slice(0, colon)
  if (written === '') return { port }
  if (written.startsWith('[') && written.endsWith(']')) {
    const host = written.slice(1, -1)
    if (isIPv6(host)) return { host, port }
    throw new Error(`"${host}" is not an IPv6 address; ${LISTEN_EXPECTS}`)
  }
  if (isIPv6(written)) throw new Error(`an IPv6 address goes in brackets: [${written}]:${portText}`)
  // `1.2.3` would be looked up as a host name, and `300.1.1.1` is a typing error, not a name.
  if (!HOST_NAME.test(written) || (/^[\d.]+$/.test(written) && !isIPv4(written))) {
    throw new Error(`"${written}" is neither an address nor a host name; ${LISTEN_EXPECTS}`)
  }
  return { host: written, port }
}
