/** What src/bootstrap/record/node-part.ts computes, as real engines do it. */
import { describe, expect, it } from 'vitest'
import { familyLayout } from '../../../src/bootstrap/definition/family-layout.ts'
import { addressOf } from '../../../src/foundation/address.ts'
import type { LabNode } from '../../lab/lab.ts'
import { engines } from '../support/engines.ts'
import { labForTests } from '../support/lab-for-tests.ts'

interface Case {
  readonly name: string
  readonly subnet: string
  readonly gateway?: string
  readonly range: string
}

const subnet = '10.90.0.0/24'
const gateway = '10.90.0.1'
const four: readonly Case[] = [
  { name: 'a /29 at the beginning', subnet, gateway, range: '10.90.0.0/29' },
  { name: 'a /29 in the middle', subnet, gateway, range: '10.90.0.96/29' },
  { name: 'a /29 at the end', subnet, gateway, range: '10.90.0.248/29' },
  { name: 'a /30 at the beginning', subnet, gateway: '10.90.0.254', range: '10.90.0.0/30' },
  { name: 'a /30 in the middle', subnet, gateway, range: '10.90.0.96/30' },
  { name: 'a /30 at the end', subnet, gateway, range: '10.90.0.252/30' },
  { name: 'a /29 without a gateway', subnet, range: '10.90.0.96/29' },
]
const six: readonly Case[] = [
  { name: 'an IPv6 /125 at the beginning', subnet: 'fd00:90::/64', gateway: 'fd00:90::1', range: 'fd00:90::/125' },
  { name: 'an IPv6 /125 in the middle', subnet: 'fd00:90::/64', gateway: 'fd00:90::1', range: 'fd00:90:0:0:5::/125' },
]

const must = async (node: LabNode, ...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await node.docker(...args)
  if (code !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`)
  return stdout.trim()
}

const ipam = ({ subnet: of, gateway: router, range }: Case, aux: Readonly<Record<string, string>>) => [
  ...(of.includes(':') ? ['--ipv6'] : []),
  ...['--subnet', of, '--ip-range', range],
  ...(router === undefined ? [] : ['--gateway', router]),
  ...Object.entries(aux).flatMap(([name, address]) => ['--aux-address', `${name}=${address}`]),
]

/** The addresses that containers get in a range, in the order in which they start, until the engine has no more. */
async function fill(node: LabNode, what: Case, aux: Readonly<Record<string, string>>): Promise<string[]> {
  const isSix = what.subnet.includes(':')
  const room = ['--subnet', '10.91.0.0/24', '--gateway', '10.91.0.1']
  await must(
    node,
    'network',
    'create',
    '--config-only',
    '-o',
    'parent=eth1',
    ...(isSix ? room : []),
    ...ipam(what, aux),
    'layout_config',
  )
  try {
    await must(node, 'network', 'create', '--driver', 'macvlan', '--config-from', 'layout_config', 'layout')
    const field = isSix ? 'GlobalIPv6Address' : 'IPAddress'
    const addresses: string[] = []
    for (;;) {
      const run = await node.docker(
        'run',
        '--detach',
        '--label',
        'layout',
        '--network',
        'layout',
        'orrery-lab/web:good',
      )
      if (run.code !== 0) {
        expect(run.stderr).toMatch(/no available (IPv[46] )?addresses/)
        return addresses
      }
      const format = `{{range .NetworkSettings.Networks}}{{.${field}}}{{end}}`
      addresses.push(await must(node, 'inspect', '--format', format, run.stdout.trim()))
    }
  } finally {
    const left = (await must(node, 'ps', '--all', '--quiet', '--filter', 'label=layout')).split('\n').filter(Boolean)
    if (left.length > 0) await must(node, 'rm', '--force', ...left)
    await node.docker('network', 'rm', 'layout')
    await must(node, 'network', 'rm', 'layout_config')
  }
}

describe.each(engines)('the addresses of a range on the %s engine', (engine) => {
  const started = labForTests({ engine, nodes: 1, images: ['orrery-lab/web'] })

  it.each([...four, ...six])(
    '$name: as many containers fit as was computed, none has an address that is held back',
    async (what) => {
      for (const edges of ['reserve', 'use'] as const) {
        const layout = familyLayout(what, what.range, { edges, shim: true })
        const addresses = await fill(started.manager, what, layout.aux)
        expect({ edges, fit: addresses.length }).toEqual({ edges, fit: layout.usable })
        expect(Object.values(layout.aux).filter((held) => addresses.includes(held))).toEqual([])
        const values = addresses.map((address) => addressOf(address).first)
        expect(values).toEqual(values.toSorted((a, b) => (a < b ? -1 : 1)))
        if (layout.shim !== undefined && values[0] !== undefined)
          expect(values[0]).toBe(addressOf(layout.shim).first + 1n)
      }
    },
  )
})
