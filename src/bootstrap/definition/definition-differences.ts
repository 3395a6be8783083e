/** In which fields two definitions of one network differ, as an operator writes them. Pure. */
import type { AddressSpan, FamilyDefinition, NetworkDefinition } from './definition.ts'

export interface FieldDifference {
  /** As in the file: `subnet`, `pool6`. */
  readonly field: string
  readonly inForce: string
  readonly defined: string
}

const NOTHING = 'not set'

const spans = (all: readonly AddressSpan[]): string =>
  all.map(({ first, last }) => (first === last ? first : `${first}-${last}`)).join(', ') || NOTHING

const pins = (all: Readonly<Record<string, string>>): string =>
  Object.entries(all)
    .map(([node, range]) => `${node} ${range}`)
    .sort()
    .join(', ') || NOTHING

function familyFields(family: FamilyDefinition | undefined): [string, string][] {
  if (family === undefined) return []
  const { subnet, gateway, pool, rangeLength, reserve } = family
  return [
    ['subnet', subnet],
    ['gateway', gateway ?? NOTHING],
    ['pool', spans(pool)],
    ['range', String(rangeLength)],
    ['reserve', spans(reserve)],
    ['nodes', pins(family.pins)],
  ]
}

function fields({ configName, driver, parent, edges, shim, onFault, ipv4, ipv6 }: NetworkDefinition) {
  return new Map([
    ['config', configName],
    ['driver', driver],
    ['parent', parent],
    ...familyFields(ipv4),
    ...familyFields(ipv6).map(([field, text]): [string, string] => [`${field}6`, text]),
    ['edges', edges],
    ['shim', String(shim)],
    ['onFault', onFault],
  ])
}

export function definitionDifferences(inForce: NetworkDefinition, defined: NetworkDefinition): FieldDifference[] {
  const [one, other] = [fields(inForce), fields(defined)]
  return [...new Set([...one.keys(), ...other.keys()])].flatMap((field) => {
    const [is, should] = [one.get(field) ?? NOTHING, other.get(field) ?? NOTHING]
    return is === should ? [] : [{ field, inForce: is, defined: should }]
  })
}

/** What every node and every task would notice at once; it takes a new network. */
const FOR_LIFE = new Set(['config', 'driver', 'subnet', 'subnet6'])

export const isForLife = ({ field }: FieldDifference): boolean => FOR_LIFE.has(field)

export const differenceText = ({ field, inForce, defined }: FieldDifference): string =>
  `${field} is ${inForce} now and ${defined} in the definition`
