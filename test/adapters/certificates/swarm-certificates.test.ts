import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { watchSwarmCertificates, withoutHeaders } from '../../../src/adapters/certificates/swarm-certificates.ts'
import { swarmCa, writeIdentity } from '../../support/swarm-ca.ts'

const quiet = () => undefined
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet }
const ca = swarmCa('the-cluster')

async function watched() {
  const dir = await mkdtemp(join(tmpdir(), 'orrery-certificates-'))
  const clock = { nowMs: Date.now() }
  const certificates = await watchSwarmCertificates({ dir, logger, now: () => clock.nowMs, everyMs: 3_600_000 })
  onTestFinished(async () => {
    certificates.close()
    await rm(dir, { recursive: true, force: true })
  })
  const changes: number[] = []
  certificates.onChange(() => changes.push(1))
  const locked = generateKeyPairSync('ec', {
    namedCurve: 'prime256v1',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'the unlock key' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey
  return { dir, certificates, clock, changes, lock: async () => await writeFile(join(dir, 'swarm-node.key'), locked) }
}

describe("a node's Swarm certificate", () => {
  it('says which node this is, of which cluster and in which role, and is told once', async () => {
    const { dir, certificates, changes } = await watched()
    expect(certificates.identity()).toBeUndefined()
    expect(certificates.why()).toContain(`${dir} cannot be read`)
    await writeIdentity(dir, ca.issue({ nodeId: 'worker-1' }))
    for (let time = 0; time < 3; time += 1) await certificates.read()
    expect(certificates.identity()).toMatchObject({ nodeId: 'worker-1', role: 'swarm-worker', cluster: 'the-cluster' })
    expect(certificates.why()).toBeUndefined()
    expect(changes).toHaveLength(1)
  })

  it('is another one when Swarm renewed it, or the node was promoted', async () => {
    const { dir, certificates } = await watched()
    await writeIdentity(dir, ca.issue({ nodeId: 'worker-1' }))
    await certificates.read()
    await writeIdentity(dir, ca.issue({ nodeId: 'worker-1', role: 'swarm-manager' }))
    await certificates.read()
    expect(certificates.identity()?.role).toBe('swarm-manager')
  })

  it('goes on between the writing of one file and the next, and after a lock, until it expires', async () => {
    const { dir, certificates, clock, lock } = await watched()
    const first = ca.issue({ nodeId: 'manager-1', role: 'swarm-manager' })
    await writeIdentity(dir, first)
    await certificates.read()
    await writeFile(join(dir, 'swarm-node.crt'), ca.issue({ nodeId: 'manager-1', role: 'swarm-manager' }).cert)
    await certificates.read()
    expect(certificates.identity()?.cert).toBe(first.cert)
    expect(certificates.why()).toContain('the key is that of another certificate')
    await lock()
    await certificates.read()
    expect(certificates.identity()?.cert).toBe(first.cert)
    expect(certificates.why()).toContain('autolock')
    clock.nowMs += 91 * 86_400_000
    await certificates.read()
    expect(certificates.identity()).toBeUndefined()
  })

  it('is none of a node that has left', async () => {
    const { dir, certificates } = await watched()
    await writeIdentity(dir, ca.issue({ nodeId: 'worker-1' }))
    await certificates.read()
    await rm(join(dir, 'swarm-node.key'))
    await certificates.read()
    expect(certificates.identity()).toBeUndefined()
  })

  it.each([
    { name: 'of no Swarm', identity: { ...ca.issue({ nodeId: 'worker-1' }), cert: ca.pem } },
    { name: 'no certificate', identity: { ...ca.issue({ nodeId: 'worker-1' }), cert: 'nothing' } },
    { name: 'without a key', identity: { ...ca.issue({ nodeId: 'worker-1' }), key: '-----BEGIN x-----\n' } },
  ])('is not what is $name', async ({ identity }) => {
    const { dir, certificates } = await watched()
    await writeIdentity(dir, identity)
    await certificates.read()
    expect(certificates.identity()).toBeUndefined()
    expect(certificates.why()).toContain('holds no certificate of a Swarm')
  })

  it('has a key without the headers that Swarm keeps there', () => {
    const [begin, end] = ['-----BEGIN EC PRIVATE KEY-----', '-----END EC PRIVATE KEY-----']
    const bare = `${begin}\nTUhjQ0FRRUVJ\nQUFB\n${end}\n`
    expect(withoutHeaders(bare)).toBe(bare)
    expect(withoutHeaders(bare.replace(`${begin}\n`, `${begin}\nkek-version: 7\nraft-dek: CiC5\n more=\n\n`))).toBe(
      bare,
    )
    expect(withoutHeaders(bare.replace(`${begin}\n`, `${begin}\r\nkek-version: 7\r\n\r\n`))).toBe(
      bare.replace(`${begin}\n`, `${begin}\r\n`),
    )
  })
})
