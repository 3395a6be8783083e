/** One address to listen on. `host` absent: every address of the machine, IPv4 and IPv6 alike. */
import { isIPv4, isIPv6 } from 'node:net'

export interface ListenAddress {
  readonly host?: string
  readonly port: number
}

const EXPECTED = 'write host:port, [::]:port or :port, several with commas, such as 0.0.0.0:8000,[::1]:8000'
const HOST_NAME = /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/

/** Reads a comma list of addresses. Throws an Error that says what would be right. */
export function parseListenAddresses(text: string): readonly ListenAddress[] {
  const parts = text.split(',').map((part) => part.trim())
  return parts.map(parseListenAddress)
}

function parseListenAddress(text: string): ListenAddress {
  const colon = text.lastIndexOf(':')
  const portText = text.slice(colon + 1)
  const port = Number(portText)
  if (colon < 0 || !/^\d{1,5}$/.test(portText) || port > 65_535) {
    throw new Error(`"${text}" has no port between 0 and 65535; ${EXPECTED}`)
  }
  const written = text.slice(0, colon)
  if (written === '') return { port }
  if (written.startsWith('[') && written.endsWith(']')) {
    const host = written.slice(1, -1)
    if (isIPv6(host)) return { host, port }
    throw new Error(`"${host}" is no IPv6 address; ${EXPECTED}`)
  }
  if (isIPv6(written)) throw new Error(`an IPv6 address goes in brackets: [${written}]:${portText}`)
  // `1.2.3` would be looked up as a host name, and `300.1.1.1` is a typing error, not a name.
  if (!HOST_NAME.test(written) || (/^[\d.]+$/.test(written) && !isIPv4(written))) {
    throw new Error(`"${written}" is neither an address nor a host name; ${EXPECTED}`)
  }
  return { host: written, port }
}
