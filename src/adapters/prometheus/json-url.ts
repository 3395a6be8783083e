/**
 * Asks a URL that somebody wrote in a label for one number in its JSON. So nothing goes along that could be stolen: no
 * credential, no cookie, no redirect, no link-local address; and nothing of the answer is shown but the number.
 */
import { lookup } from 'node:dns'
import { setMaxListeners } from 'node:events'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { Agent, request } from 'undici'
import { readNumber } from '../../autoscaling/load/decimal.ts'
import { parsePath, valueAt } from '../../autoscaling/load/json-path.ts'
import { type Measurement, missing } from '../../autoscaling/load/measurement.ts'
import type { UrlSource } from '../../autoscaling/ports.ts'
import { withDeadline } from '../../foundation/deadline.ts'
import { createLimit } from '../../foundation/limit.ts'
import { failedMeasurement, readAnswer } from './answer.ts'

const TIMEOUT_MS = 5000
/** Of one server, so that one that is slow holds up nobody else's. */
const MOST_IN_FLIGHT = 8

/** Where cloud machines keep their credentials: nothing there says how much a service has to do. */
const neverAsked = new BlockList()
neverAsked.addSubnet('169.254.0.0', 16)
neverAsked.addSubnet('fe80::', 10, 'ipv6')
neverAsked.addAddress('fd00:ec2::254', 'ipv6')

const isNeverAsked = (address: string): boolean => neverAsked.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')

class NeverAsked extends Error {}

/** Judges what the name means, in the very look-up that the connection is made by. */
const lookupAllowed: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found = []) => {
    const [first] = found
    if (error !== null || first === undefined) callback(error ?? new Error('no address'), [])
    else if (found.some(({ address }) => isNeverAsked(address))) callback(new NeverAsked(), [])
    else if (options.all) callback(null, found)
    else callback(null, first.address, first.family)
  })
}

export function createJsonUrls({ signal }: { readonly signal: AbortSignal }): UrlSource & { close(): Promise<void> } {
  // A pool of its own: nothing of the controller's other connections is shared with such a server.
  const dispatcher = new Agent({ connect: { lookup: lookupAllowed, timeout: TIMEOUT_MS }, keepAliveTimeout: 20_000 })
  // All that is under way waits for it.
  setMaxListeners(0, signal)
  const limits = new Map<string, ReturnType<typeof createLimit>>()
  const limitOf = (origin: string) => {
    const limit = limits.get(origin) ?? createLimit(MOST_IN_FLIGHT)
    limits.set(origin, limit)
    return limit
  }

  const ask = async (url: URL, steps: readonly string[], within: AbortSignal): Promise<Measurement> => {
    try {
      const { statusCode, body } = await request(url, {
        headers: { accept: 'application/json', 'user-agent': 'orrery' },
        dispatcher,
        signal: within,
      })
      if (statusCode !== 200) {
        await body.dump()
        return missing('error', `the URL answers ${statusCode}`)
      }
      return judge(await readAnswer(body), steps)
    } catch (error) {
      if (error instanceof NeverAsked) return LINK_LOCAL
      return failedMeasurement(error, 'the URL')
    }
  }

  return {
    async ask(text, path) {
      const url = URL.canParse(text) ? new URL(text) : undefined
      const steps = parsePath(path)
      if (url === undefined || steps === undefined || !/^https?:$/.test(url.protocol)) {
        return missing('refused', 'only http:// and https:// are asked')
      }
      // A connection to an address looks nothing up.
      const host = url.hostname.replace(/^\[|\]$/g, '')
      if (isIP(host) !== 0 && isNeverAsked(host)) return LINK_LOCAL
      url.username = ''
      url.password = ''
      // Waiting for its turn counts.
      return await withDeadline(
        { timeoutMs: TIMEOUT_MS, signal },
        async (within) => await limitOf(url.origin)(async () => await ask(url, steps, within)),
      )
    },
    close: async () => await dispatcher.destroy(),
  }
}

const LINK_LOCAL = missing('refused', 'link-local addresses are not asked')

function judge(text: string, steps: readonly string[]): Measurement {
  let answer: unknown
  try {
    answer = JSON.parse(text)
  } catch {
    return missing('error', 'the URL does not answer with JSON')
  }
  const found = valueAt(answer, steps)
  const where = `at ${steps.join('.')}`
  if (found === undefined || found === null) return missing('empty', `there is nothing ${where}`)
  if (typeof found !== 'number') return missing('no-number', `there is no number ${where}`)
  const number = readNumber(`${found}`)
  if (number.kind !== 'number') return missing(number.kind, `there is no finite number ${where}`)
  if (number.value < 0n) return missing('negative', `the value ${where} is below 0`)
  return { kind: 'value', value: number.value }
}
