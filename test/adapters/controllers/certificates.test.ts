/** Which certificate an agent shows, while the files of it are replaced. */
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { expect, it, onTestFinished, vi } from 'vitest'
import { watchSwarmCertificates } from '../../../src/adapters/certificates/swarm-certificates.ts'
import { createControllerCalls } from '../../../src/adapters/controllers/controller-calls.ts'
import type { SwarmIdentity } from '../../../src/swarm/identity.ts'
import type { NodeReport } from '../../../src/swarm/node-report.ts'
import { swarmCa, writeIdentity } from '../../support/swarm-ca.ts'

const quiet = () => undefined
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet }
const report: NodeReport = {
  ...{ v: 1, nodeId: 'node-1', hostname: 'one', engineVersion: '28', agentVersion: '0' },
  ...{ sentAtMs: 1, startedAtMs: 1, revision: 0 },
  ...{ hostAddresses: [], networks: [], standings: [], containers: [], faults: [] },
}

it('an agent shows a certificate that was put in the place of the old one by hand, while it runs, on a connection made anew', async () => {
  const ca = swarmCa('the-cluster')
  const { cert, key } = ca.issue({ nodeId: 'manager-1', role: 'swarm-manager' })
  const shown: [string, number][] = []
  const server = https.createServer({ cert, key, ca: ca.pem, requestCert: true }, ({ socket }, response) => {
    const { serialNumber } = (socket as TLSSocket).getPeerCertificate()
    shown.push([serialNumber, socket.remotePort ?? 0])
    response.end(JSON.stringify({ v: 1, nodeId: 'node-1', revision: 7, networks: [] }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const dir = await mkdtemp(join(tmpdir(), 'orrery-agent-'))
  onTestFinished(async () => await rm(dir, { recursive: true, force: true }))
  const [before, after] = [ca.issue({ nodeId: 'node-1' }), ca.issue({ nodeId: 'node-1' })]
  await writeIdentity(dir, before)
  const own = await watchSwarmCertificates({ dir, logger, now: Date.now, everyMs: 10 })
  onTestFinished(() => own.close())
  const calls = createControllerCalls({ token: undefined, certificates: own, managers: () => ['manager-1'] })
  onTestFinished(() => calls.close())
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const tell = async () => {
    expect(await calls.report(url, report)).toMatchObject({ kind: 'wanted', isProven: true })
    return shown.at(-1)
  }
  const serialOf = (identity: SwarmIdentity) => new X509Certificate(identity.cert).serialNumber
  const first = await tell()
  expect(first?.[0]).toBe(serialOf(before))
  expect(await tell()).toEqual(first)
  // One file after the other, as a person does it: with half of it the old one goes on.
  await writeFile(join(dir, 'swarm-node.crt'), after.cert)
  expect(await tell()).toEqual(first)
  await writeFile(join(dir, 'swarm-node.key'), after.key)
  await vi.waitFor(() => expect(own.identity()?.cert).toBe(after.cert), 5000)
  const last = await tell()
  expect(last?.[0]).toBe(serialOf(after))
  expect(last?.[1]).not.toBe(first?.[1])
})
