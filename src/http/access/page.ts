/**
 * What a browser can be made to send by a page of somebody else: requests to this address with what the browser knows of it
 * (Basic credentials, cookies, being on this machine), and under a name that the page's owner points here. Pure.
 */
import { isIP } from 'node:net'

export interface PageHeaders {
  readonly host: string | undefined
  readonly origin: string | undefined
  /** `Sec-Fetch-Site`: browsers set it, and no page can. */
  readonly fetchSite: string | undefined
  /** `X-Requested-With`, by which the dashboard says that it is one: a browser does not always send the others. */
  readonly requestedWith?: string | undefined
}

export const DASHBOARD = 'orrery-ui'

/** Sent by a web page, ours or not. Every browser sends Origin with what changes something. */
export const isPage = ({ origin, fetchSite, requestedWith }: PageHeaders): boolean =>
  origin !== undefined || (fetchSite !== undefined && fetchSite !== 'none') || requestedWith === DASHBOARD

/** Sent by a page that is not ours. A page of ours has the Origin of the Host that it calls. */
export function isForeignPage({ host, origin, fetchSite }: PageHeaders): boolean {
  if (fetchSite === 'cross-site' || fetchSite === 'same-site') return true
  return origin !== undefined && (host === undefined || hostOfOrigin(origin) !== withoutDefaultPort(host.toLowerCase()))
}

const withoutDefaultPort = (host: string): string => host.replace(/:(80|443)$/, '')

/** `undefined`: `null`, or none of the web's. */
function hostOfOrigin(origin: string): string | undefined {
  const [, host] = /^https?:\/\/([^/\s@]+)$/i.exec(origin) ?? []
  return host === undefined ? undefined : withoutDefaultPort(host.toLowerCase())
}

/**
 * Whether a Host names this machine, and not a name whose owner could point it anywhere: an address, localhost, or one of
 * `names`. No Host is none of a browser's.
 */
export function knownHosts(names: readonly string[]): (host: string | undefined) => boolean {
  const known = new Set(['localhost', ...names.map(bareName)])
  return (host) => {
    if (host === undefined) return true
    const [, inBrackets] = /^\[([^\]]*)\](?::\d*)?$/.exec(host) ?? []
    if (inBrackets !== undefined) return isIP(inBrackets) === 6
    const name = bareName(host.replace(/:\d*$/, ''))
    return isIP(name) === 4 || known.has(name)
  }
}

/** Names are the same in any case, and with the root's dot. */
const bareName = (name: string): string => name.toLowerCase().replace(/\.$/, '')
