/** What programs say of their surroundings: folders, files and other programs, real ones in a folder of their own. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { readNetworkFiles } from '../../../src/adapters/files/network-files.ts'
import { watchPolicyFiles } from '../../../src/adapters/files/policy-files.ts'
import { createHost } from '../../../src/adapters/host/host.ts'
import { networkConditions } from '../../../src/bootstrap/views/network-conditions.ts'
import { runProgram } from '../../../src/commands/program.ts'
import { readAccess } from '../../../src/commands/serve/read-access.ts'
import { loadConfig } from '../../../src/config/load.ts'
import type { SwarmNode } from '../../../src/swarm/nodes.ts'
import { definition } from '../../support/builders/networks.ts'
import { fakeConsole } from '../commands/network/fake-session.ts'
import { failure, remediesOf } from './remedy.ts'

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'orrery-remedies-'))
  onTestFinished(async () => await rm(path, { recursive: true, force: true }))
  return path
}
type Files = Readonly<Record<string, string>>
const put = async (files: Files) => {
  const dir = await folder()
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text)
  return dir
}
const VLAN = 'name: vlan40\nsubnet: 10.40.0.0/16\ngateway: 10.40.0.1\npool: [10.40.1.0/24]\nrange: 24\n'

const networkFolders = remediesOf<Files>(
  'a folder of networks',
  async (files) => {
    const { issues } = await readNetworkFiles({ dir: await put(files), required: true, logger: quiet })
    return issues.map(({ message }) => message)
  },
  [
    {
      bad: { 'vlan40.yml': VLAN, 'dmz.yaml': VLAN.replaceAll('40', '41') },
      says: /not read: the name must end in (\S+)/,
      mends: [(suffix) => ({ [`vlan40${suffix}`]: VLAN, 'dmz.yaml': VLAN.replaceAll('40', '41') })],
    },
    {
      bad: {},
      says: /the folder is empty: no file in it ends in (\S+)/,
      mends: [(suffix) => ({ [`vlan40${suffix}`]: VLAN })],
    },
  ],
)

const policyFolders = remediesOf<Files>(
  'a folder of policies',
  async (files) => {
    const watched = await watchPolicyFiles({ dir: await put(files), required: true, logger: quiet })
    await watched.close()
    const issues = [...watched.problems().map(({ issue }) => issue), ...watched.list().flatMap((file) => file.issues)]
    return issues.map(({ message }) => message)
  },
  [
    {
      bad: { 'web.yml': 'max: 9' },
      says: /not read: the name must end in (\S+)/,
      mends: [(suffix) => ({ [`web${suffix}`]: 'max: 9' })],
    },
    {
      bad: { 'web.yaml': 'max: 9', 'shop.yaml': 'service: web\nmax: 8' },
      says: /web.yaml and shop.yaml are for the same service; keep one/,
      mends: [() => ({ 'web.yaml': 'max: 9' }), () => ({ 'shop.yaml': 'service: web\nmax: 8' })],
    },
  ],
)

/** What stands in the place of ip. */
const IP = {
  none: undefined,
  text: 'echo "1: lo: <LOOPBACK>"',
  busybox: 'echo "ip: invalid option -- j" >&2; exit 1',
  iproute2: 'echo "[]"',
}

const tools = remediesOf<keyof typeof IP>(
  'the program ip',
  async (which) => {
    const program = join(await folder(), 'ip')
    const script = IP[which]
    if (script !== undefined) {
      await writeFile(program, `#!/bin/sh\n${script}\n`)
      await chmod(program, 0o755)
    }
    return await failure(() => createHost({ program }).observe({ ipv6: false }))
  },
  [
    {
      bad: 'none',
      says: /There is no program "ip" here that could be run: install (\w+)\./,
      mends: [(which) => which as 'iproute2'],
    },
    { bad: 'text', says: /does not print JSON: install (\w+) 4.14 or newer/, mends: [(which) => which as 'iproute2'] },
    {
      bad: 'busybox',
      says: /not the ip of iproute2, or one that is too old: install (\w+)/,
      mends: [(which) => which as 'iproute2'],
    },
  ],
)

const tokenModes = remediesOf<{ readonly mode: number; readonly change?: (mode: number) => number }>(
  'a token file',
  async ({ mode, change = (same) => same }) => {
    const path = join(await put({ tokens: `scale ${'x'.repeat(32)}` }), 'tokens')
    await chmod(path, change(mode))
    return readAccess(loadConfig({ ORRERY_TOKEN_FILE: path })).warnings
  },
  [
    {
      bad: { mode: 0o644 },
      says: /others on this machine can read it: chmod (o-r) /,
      mends: [(how) => ({ mode: 0o644, change: (mode) => (how === 'o-r' ? mode & ~0o004 : mode) })],
    },
  ],
)

const lines = remediesOf<readonly string[]>(
  'a command line',
  async (words) => {
    const { io, err } = fakeConsole()
    await runProgram([...words], { ...io, env: { ORRERY_URL: 'http://127.0.0.1:1', ORRERY_NETWORK_DIR: '/nowhere' } })
    return err()
      .split('\n')
      .filter((line) => /write /.test(line))
  },
  [
    ...[
      ['pause', 'web', '--for'],
      ['network', 'apply', '--timeout'],
    ].map((words) => ({
      bad: [...words, 'soon'],
      says: /write a duration such as (\w+) or (\w+)/,
      mends: [(length = '') => [...words, length], (_: string = '', length = '') => [...words, length]],
    })),
    {
      bad: ['pause', '--for', '5m'],
      says: /name one autoscaler, or write (--all)/,
      mends: [() => ['pause', 'web'], (all = '') => ['pause', all]],
    },
  ],
)

const node = (id: string, over: Partial<SwarmNode> = {}): SwarmNode => ({
  ...{ id, hostname: 'worker1', role: 'worker', state: 'ready', availability: 'active', engineVersion: '28.5.1' },
  ...{ version: 1, labels: {}, engineLabels: {}, platform: { os: 'linux', architecture: 'x86_64' } },
  ...over,
})
/** Two nodes of one name are told where both may have a range. */
const names = remediesOf<readonly SwarmNode[]>(
  'host names',
  (nodes) => {
    const nothing = { unreadable: undefined, isDefined: true, issues: [], folderFault: undefined, plan: undefined }
    const record = { definition: definition(), phase: 'present', isAdopted: false, freed: [] } as const
    const held = {
      nodeId: 'b',
      hostname: 'worker1',
      range: '172.80.1.0/24',
      parent: 'eth1',
      givenAtMs: 0,
      isAdopted: false,
    }
    const conditions = networkConditions({
      ...{ ...nothing, name: 'vlan40', networkId: 'x', nodes, allocations: [], taskSource: undefined },
      ...{ isHeard: () => true, record: { ...record, allocations: new Map([['b', held]]) } },
    })
    return conditions.filter(({ type, status }) => type === 'HostNamesUnique' && !status).map(({ reason }) => reason)
  },
  [
    {
      bad: [node('a'), node('b')],
      says: /worker1 is the name of .*: give one of them another host name$/,
      mends: [() => [node('a'), node('b', { hostname: 'worker2' })]],
    },
    {
      bad: [node('a'), node('b', { state: 'down' })],
      says: /give one of them another host name, or if b is gone for good: docker node rm (\w+)/,
      mends: [
        () => [node('a', { hostname: 'worker2' }), node('b', { state: 'down' })],
        (gone) => [node('a'), node('b', { state: 'down' })].filter(({ id }) => id !== gone),
      ],
    },
  ],
)
export const programRemedies = [...networkFolders, ...policyFolders, ...tools, ...tokenModes, ...lines, ...names]
