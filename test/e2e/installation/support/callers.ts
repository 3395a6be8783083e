/** Callers that go on while controllers are replaced: what they asked for, what was lost, and what the count says. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, fetch, type RequestInit } from 'undici'
import { expect } from 'vitest'
import type { LabNode } from '../../../lab/lab.ts'
import { eventually, replicasOf } from '../../support/services.ts'

/** Whether the call was taken. */
export type Try = (path: string, init: RequestInit) => Promise<boolean>

/** Of what an authority of one's own has signed: told of it as every client is. */
export const trusting = (ca: string | undefined) => new Agent({ connect: ca === undefined ? {} : { ca } })

/** As a caller who tries another manager when one does not answer or says 503. */
export const anyOf =
  (urls: readonly string[], dispatcher: Agent): Try =>
  async (path, init) => {
    const isTaken = async () => {
      for (const url of urls) {
        const signal = AbortSignal.timeout(10_000)
        const answer = await fetch(`${url}${path}`, { ...init, signal, dispatcher }).catch(() => undefined)
        if (answer?.status === 200) return true
        expect([undefined, 503]).toContain(answer?.status)
      }
      return false
    }
    return await eventually('a manager takes the call', isTaken, { timeoutMs: 60_000 }).catch(() => false)
  }

/** As one who knows one address, and does not try again. */
export const through =
  (url: string, dispatcher: Agent): Try =>
  async (path, init) =>
    (await fetch(`${url}${path}`, { ...init, dispatcher }).catch(() => undefined))?.status === 200

export interface Callers {
  readonly node: LabNode
  readonly credential: string
  readonly service: string
  readonly how: Try
}

/** Steps up of a service, one after another while `work` is done. The count says how many of them were carried out. */
export async function callingMeanwhile({ node, credential, service, how }: Callers, work: Promise<unknown>) {
  const id = (await node.api.listServices({ filters: { name: [service] } }))[0]?.ID ?? ''
  const from = (await replicasOf(node, id)) ?? 0
  let isOver = false
  const over = () => {
    isOver = true
  }
  const seen = { calls: 0, lost: 0 }
  const calling = async () => {
    // 200 a minute: an autoscaler remembers 250 keys of a minute, and refuses more.
    for (; !isOver; await sleep(300)) {
      const headers = { authorization: `Bearer ${credential}`, 'idempotency-key': randomUUID() }
      const init = { method: 'POST', headers, signal: AbortSignal.timeout(30_000) }
      seen.calls += 1
      if (!(await how(`/v1/autoscaler/${service}/up`, init))) seen.lost += 1
    }
  }
  await Promise.all([work.finally(over), calling()])
  const carriedOut = ((await replicasOf(node, id)) ?? 0) - from
  console.log(`${seen.calls} calls of ${service} meanwhile, ${seen.lost} lost, ${carriedOut} carried out`)
  return { ...seen, carriedOut }
}
