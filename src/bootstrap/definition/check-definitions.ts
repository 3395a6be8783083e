/** What is wrong between files that are right, each by itself. Pure. */
import { type Block, blockOf, formatSpan, overlaps, type Span, spanOf } from '../../foundation/address.ts'
import type { DefinitionFile, DefinitionIssue, DefinitionSet, NetworkDefinition } from './definition.ts'

interface Defined {
  readonly file: string
  readonly definition: NetworkDefinition
}

/** What is wrong with `one` because of `other`; told of both. */
type Check = (one: Defined, other: Defined) => readonly Omit<DefinitionIssue, 'file' | 'level'>[]

const sameConfig: Check = ({ definition: one }, { file, definition: other }) => {
  const isTaken = one.configName === other.configName || one.configName === other.name || one.name === other.configName
  const message = `${one.configName} is used in ${file} too; each network needs a config-only network of its own`
  return isTaken && one.name !== other.name ? [{ field: 'config', value: one.configName, message }] : []
}

const families = ({ ipv4, ipv6 }: NetworkDefinition) => [
  { suffix: '', ...ipv4 },
  ...(ipv6 === undefined ? [] : [{ suffix: '6', ...ipv6 }]),
]

const given = ({ pool, pins }: NetworkDefinition['ipv4']): readonly Span[] => [
  ...pool.map(spanOf),
  ...Object.values(pins).map((pin): Block => blockOf(pin)),
]

const sameAddresses: Check = ({ definition: one }, { file, definition: other }) =>
  families(one).flatMap((own) =>
    families(other).flatMap((theirs) => {
      if (!overlaps(blockOf(own.subnet), blockOf(theirs.subnet))) return []
      const subnets = `${own.subnet} overlaps with ${theirs.subnet} of ${other.name} in ${file}`
      const issue = {
        field: `subnet${own.suffix}`,
        value: own.subnet,
        message: `${subnets}; a node's engine takes one network for a subnet: define one network, or give each a subnet of its own`,
      }
      const both = given(own).find((span) => given(theirs).some((their) => overlaps(span, their)))
      if (both === undefined) return [issue]
      const message = `${formatSpan(both)} may be given by ${other.name} in ${file} too; two containers would have one address`
      return [issue, { field: `pool${own.suffix}`, value: formatSpan(both), message }]
    }),
  )

const sameParent: Check = ({ definition: one }, { file, definition: other }) => {
  if (one.parent === 'auto' || one.parent !== other.parent || one.driver === other.driver) return []
  const message = `${one.parent} is the parent of an ${other.driver} network in ${file} too; a link carries macvlan or ipvlan, not both: use one driver, or another parent`
  return [{ field: 'parent', value: one.parent, message: message.replace('an macvlan', 'a macvlan') }]
}

const nameOf = ({ definition, name }: DefinitionFile): string | undefined => definition?.name ?? name

/** Also with a file that has other mistakes. */
const sameNames = (files: readonly DefinitionFile[]): readonly DefinitionIssue[] =>
  files.flatMap((one): DefinitionIssue[] => {
    const name = nameOf(one)
    const others = files.filter((other) => other.file !== one.file && name !== undefined && nameOf(other) === name)
    if (name === undefined || others.length === 0) return []
    const message = `${name} is defined in ${others.map(({ file }) => file).join(', ')} too; one file is one network`
    return [{ file: one.file, field: 'name', value: name, level: 'error', message }]
  })

const CHECKS = [sameConfig, sameAddresses, sameParent]

/** Files that contradict each other define nothing, neither of them: which one is right is not known. */
export const checkDefinitions = (set: DefinitionSet): DefinitionSet => {
  const defined = set.files.flatMap(({ file, definition }) => (definition === undefined ? [] : [{ file, definition }]))
  const between = defined.flatMap((one): DefinitionIssue[] =>
    defined
      .filter((other) => other.file !== one.file)
      .flatMap((other) => CHECKS.flatMap((check) => check(one, other)))
      .map((issue) => ({ file: one.file, level: 'error', ...issue })),
  )
  const found = [...sameNames(set.files), ...between]
  const faulty = new Set(found.map(({ file }) => file))
  const withoutDefinition = (entry: DefinitionFile): DefinitionFile => {
    const known = nameOf(entry)
    return { file: entry.file, ...(known === undefined ? {} : { name: known }) }
  }
  const files = set.files.map((entry) => (faulty.has(entry.file) ? withoutDefinition(entry) : entry))
  return { ...set, files, issues: [...set.issues, ...found] }
}
