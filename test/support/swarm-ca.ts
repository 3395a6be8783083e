/** A cluster's CA and certificates of its nodes, with the names that Swarm gives them, made without any program. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SwarmIdentity } from '../../src/swarm/identity.ts'

export interface NodeNames {
  readonly nodeId: string
  readonly role?: 'swarm-manager' | 'swarm-worker'
  /** As the subject has it; by default the CA's own. */
  readonly cluster?: string
  readonly notAfterMs?: number
  readonly notBeforeMs?: number
  /** Of the SAN; by default as Swarm gives them. */
  readonly names?: readonly string[]
  /** More of the subject, as Swarm never gives it. */
  readonly also?: Name
}

export interface SwarmCa {
  readonly cluster: string
  readonly pem: string
  /** Its own, PEM. */
  readonly key: string
  issue(names: NodeNames): SwarmIdentity
}

const DAY_MS = 86_400_000
const newKey = () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' })

export function swarmCa(cluster: string): SwarmCa {
  const own = newKey()
  const name = [['CN', 'swarm-ca']] as const
  // As Swarm's own; one of less than a year it does not take.
  const until = Date.now() + 20 * 365 * DAY_MS
  const pem = certificate({
    subject: name,
    issuer: name,
    of: own.publicKey,
    by: own.privateKey,
    until,
    extensions: [CA],
  })
  return {
    cluster,
    pem,
    key: own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    issue(of) {
      const { nodeId, role = 'swarm-worker', cluster: o = cluster, notAfterMs = Date.now() + 90 * DAY_MS } = of
      const { publicKey, privateKey } = newKey()
      const subject = [['O', o], ['OU', role], ['CN', nodeId], ...(of.also ?? [])] as const
      const extensions = [EKU, names(...(of.names ?? [role, nodeId]))]
      const cert = certificate({
        subject,
        issuer: name,
        of: publicKey,
        by: own.privateKey,
        until: notAfterMs,
        ...(of.notBeforeMs !== undefined && { from: of.notBeforeMs }),
        extensions,
      })
      const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
      return { nodeId, role, cluster: o, cert, key, ca: pem, notAfterMs }
    },
  }
}

/** As Swarm keeps them, with the headers that a manager's key has. */
export async function writeIdentity(dir: string, { cert, key, ca }: SwarmIdentity): Promise<void> {
  await mkdir(dir, { recursive: true })
  const headed = key.replace('-----\n', '-----\nkek-version: 7\nraft-dek: CiC5rUfb\n  q8VbVqkE=\n\n')
  const files = { 'swarm-root-ca.crt': ca, 'swarm-node.crt': cert, 'swarm-node.key': headed }
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(dir, `${name}.new`), text, { mode: 0o600 })
    await rename(join(dir, `${name}.new`), join(dir, name))
  }
}

const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts)
  if (body.length < 128) return Buffer.concat([Buffer.from([tag, body.length]), body])
  const length = Buffer.from(body.length.toString(16).padStart(body.length > 255 ? 4 : 2, '0'), 'hex')
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, body])
}
const sequence = (...parts: readonly Uint8Array[]) => der(0x30, ...parts)
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
const text = (value: string) => der(0x0c, Buffer.from(value))
const integer = (...bytes: readonly number[]) => der(0x02, Buffer.from(bytes))
const TRUE = der(0x01, Buffer.from([0xff]))
const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'))
const ATTRIBUTES = { CN: '550403', O: '55040a', OU: '55040b' } as const
type Name = readonly (readonly [keyof typeof ATTRIBUTES, string])[]

const nameOf = (name: Name) =>
  sequence(...name.map(([kind, value]) => der(0x31, sequence(oid(ATTRIBUTES[kind]), text(value)))))
const utc = (ms: number) =>
  der(0x17, Buffer.from(`${new Date(ms).toISOString().replaceAll(/[-:T]/g, '').slice(2, 14)}Z`))

/** basicConstraints: an authority. */
const CA = sequence(oid('551d13'), TRUE, der(0x04, sequence(TRUE)))
/** extendedKeyUsage: server and client. */
const EKU = sequence(oid('551d25'), der(0x04, sequence(oid('2b06010505070301'), oid('2b06010505070302'))))
const names = (...all: readonly string[]) =>
  sequence(oid('551d11'), der(0x04, sequence(...all.map((name) => der(0x82, Buffer.from(name))))))

function certificate(of: {
  readonly subject: Name
  readonly issuer: Name
  readonly of: KeyObject
  readonly by: KeyObject
  readonly until: number
  /** A day ago without it. */
  readonly from?: number
  readonly extensions: readonly Uint8Array[]
}): string {
  const serial = createHash('sha256').update(randomBytes(16)).digest()
  const body = sequence(
    der(0xa0, integer(2)),
    integer(1, ...serial.subarray(0, 15)),
    ECDSA_SHA256,
    nameOf(of.issuer),
    sequence(utc(of.from ?? Math.min(Date.now(), of.until) - DAY_MS), utc(of.until)),
    nameOf(of.subject),
    of.of.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...of.extensions)),
  )
  const signature = sign('sha256', body, of.by)
  const whole = sequence(body, ECDSA_SHA256, der(0x03, Buffer.from([0]), signature))
  return `-----BEGIN CERTIFICATE-----\n${whole
    .toString('base64')
    .replaceAll(/(.{64})/g, '$1\n')
    .trimEnd()}\n-----END CERTIFICATE-----\n`
}
