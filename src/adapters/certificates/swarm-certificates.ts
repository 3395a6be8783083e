/** Swarm's certificates of this node, read again and again, since Swarm replaces the files. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../foundation/errors.ts'
import { createListeners } from '../../foundation/listeners.ts'
import type { Logger } from '../../foundation/logger.ts'
import type { SwarmIdentities, SwarmIdentity } from '../../swarm/identity.ts'

export interface SwarmCertificates extends SwarmIdentities {
  /** At once, not at the next turn. Never rejects. */
  read(): Promise<void>
  close(): void
}

export interface SwarmCertificatesDeps {
  readonly dir: string
  readonly logger: Logger
  readonly now: () => number
  readonly everyMs?: number
}

/** Renewed certificates are used well before the old ones expire, and another CA within seconds. */
const EVERY_MS = 2_000

/** Resolves when the files were read once, whatever came of it. */
export async function watchSwarmCertificates(deps: SwarmCertificatesDeps): Promise<SwarmCertificates> {
  const { dir, logger, now, everyMs = EVERY_MS } = deps
  const changes = createListeners<void>(logger)
  let identity: SwarmIdentity | undefined
  let why: string | undefined
  let texts = ''
  let reading: Promise<void> | undefined

  /** In a locked Swarm, and between the writing of two files, what was read before goes on until it expires. */
  const keepOrForget = (isPassing: boolean) => {
    if (identity !== undefined && (!isPassing || now() >= identity.notAfterMs)) identity = undefined
  }

  const readFiles = async () => {
    const files = await filesIn(dir)
    const before = { identity, why }
    if ('why' in files) {
      why = files.why
      texts = ''
      keepOrForget(files.isLocked)
    } else if (files.texts !== texts) {
      try {
        identity = identityOf(files)
        ;({ texts } = files)
        why = undefined
      } catch (error) {
        why = `${dir} holds no certificate of a Swarm: ${messageOf(error)}`
        keepOrForget(true)
      }
    }
    if (before.identity === identity && before.why === why) return
    if (identity !== undefined && identity !== before.identity) {
      const fields = {
        event: 'certificate-read',
        node: identity.nodeId,
        role: identity.role,
        cluster: identity.cluster,
      }
      logger.info(fields, `this node's certificate counts until ${new Date(identity.notAfterMs).toISOString()}`)
    }
    changes.tell()
  }
  const read = () => {
    reading ??= readFiles().finally(() => {
      reading = undefined
    })
    return reading
  }
  await read()
  const timer = setInterval(() => void read(), everyMs).unref()
  return {
    identity: () => identity,
    why: () => why,
    onChange: changes.add,
    read,
    close: () => clearInterval(timer),
  }
}

interface Files {
  readonly cert: string
  readonly key: string
  readonly ca: string
  readonly texts: string
}

const NAMES = ['swarm-node.crt', 'swarm-node.key', 'swarm-root-ca.crt'] as const

async function filesIn(dir: string): Promise<Files | { readonly why: string; readonly isLocked: boolean }> {
  try {
    const [cert = '', key = '', ca = ''] = await Promise.all(NAMES.map((name) => readFile(join(dir, name), 'utf8')))
    if (isEncrypted(key)) {
      return { why: `${join(dir, NAMES[1])} is locked, as the Swarm is (autolock)`, isLocked: true }
    }
    return { cert, key: withoutHeaders(key), ca, texts: [cert, key, ca].join('\0') }
  } catch (error) {
    return { why: `${dir} cannot be read: ${messageOf(error)}`, isLocked: false }
  }
}

const isEncrypted = (key: string): boolean => /BEGIN ENCRYPTED PRIVATE KEY|^Proc-Type:.*ENCRYPTED/m.test(key)

/** Swarm keeps `kek-version` and `raft-dek` there, and OpenSSL reads no key that has such headers. */
export const withoutHeaders = (pem: string): string =>
  pem.replace(/^(-----BEGIN [^\n]*-----\r?\n)(?:[^\n:]+:[^\n]*\r?\n(?:[ \t]+[^\n]*\r?\n)*)+\r?\n/m, '$1')

/** Throws Error: no certificate, one of something else, or of another key. */
function identityOf({ cert, key, ca }: Files): SwarmIdentity {
  const parsed = new X509Certificate(cert)
  if (!parsed.checkPrivateKey(createPrivateKey(key))) throw new Error('the key is that of another certificate')
  const { O: cluster, OU: role, CN: nodeId } = subjectOf(parsed.subject)
  if (cluster === undefined || nodeId === undefined) throw new Error('its subject names no node')
  if (role !== 'swarm-manager' && role !== 'swarm-worker') throw new Error(`its subject names the role ${role}`)
  return { nodeId, role, cluster, cert, key, ca, notAfterMs: Date.parse(parsed.validTo) }
}

/** Of Node's text: a line each `CN=…`. */
const subjectOf = (subject: string): Readonly<Record<string, string | undefined>> =>
  Object.fromEntries(subject.split('\n').map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]))
