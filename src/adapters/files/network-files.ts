/** Network definitions as files: `<folder>/<name>.yaml`, known within 2 s of a change. */

import { checkDefinitions } from '../../bootstrap/definition/check-definitions.ts'
import type { DefinitionFile, DefinitionIssue, DefinitionSet } from '../../bootstrap/definition/definition.ts'
import { readDefinition } from '../../bootstrap/definition/read-definition.ts'
import type { Definitions } from '../../bootstrap/ports.ts'
import { createOnceLog } from '../../foundation/log-once.ts'
import { type PlainValue, parseDefinitionYaml } from './parse-definition-yaml.ts'
import { type FilesOptions, watchYamlFolder, type YamlFile, type YamlFolder } from './yaml-folder.ts'

export interface WatchedNetworkFiles extends Definitions {
  close(): Promise<void>
}

/** Of a file that does not parse: a line that can hardly mean anything else. */
const guessName = ({ content }: YamlFile<PlainValue>): string | undefined =>
  content.kind === 'text'
    ? /^name:[ \t]*["']?([a-z0-9][a-z0-9_-]{0,40})["']?[ \t]*(#.*)?$/m.exec(content.text)?.[1]
    : undefined

interface ReadFile extends DefinitionFile {
  readonly issues: readonly DefinitionIssue[]
}

const readFile = (file: string, loaded: YamlFile<PlainValue>, nameBefore: string | undefined): ReadFile => {
  if (loaded.fault !== undefined) {
    const name = nameBefore ?? guessName(loaded)
    const issues = [{ file, level: 'error' as const, message: `the file cannot be read: ${loaded.fault}` }]
    return { file, ...(name === undefined ? {} : { name }), issues }
  }
  const { definition, name = nameBefore, issues } = readDefinition(file, loaded.good)
  return { file, ...(definition === undefined ? {} : { definition }), ...(name === undefined ? {} : { name }), issues }
}

const issue = (file: string, level: DefinitionIssue['level'], message: string): DefinitionIssue => ({
  file,
  level,
  message,
})

const folderFault = (dir: string, { fault, isMissing }: YamlFolder<PlainValue>): string | undefined => {
  if (fault === undefined) return undefined
  return isMissing ? `the folder ${dir} does not exist` : `the folder ${dir} cannot be read: ${fault}`
}

/** Resolves when every file there is has been read. Never rejects: what is wrong is in the set. */
export const watchNetworkFiles = async (options: FilesOptions): Promise<WatchedNetworkFiles> => {
  const { dir, required, logger } = options
  let names: ReadonlyMap<string, string> = new Map()
  let current: DefinitionSet = { files: [], issues: [] }
  const report = createOnceLog<DefinitionIssue>({
    keyOf: ({ file, field, message }) => `${file} ${field} ${message}`,
    begun: ({ file, ...problem }) => logger.warn({ file, issue: problem }, 'network definition problem'),
  })

  const take = (folder: YamlFolder<PlainValue>) => {
    const files = [...folder.files].map(([file, loaded]) => readFile(file, loaded, names.get(file)))
    names = new Map(files.flatMap(({ file, name }) => (name === undefined ? [] : [[file, name]])))
    const fault = folderFault(dir, folder)
    const isEmpty = required && fault === undefined && files.length === 0
    const issues = [
      ...(isEmpty ? [issue(dir, 'warning', 'the folder is empty: no file in it ends in .yaml')] : []),
      ...folder.misnamed.map((file) => issue(file, 'warning', 'not read: the name must end in .yaml')),
      ...files.flatMap((file) => file.issues),
    ]
    current = checkDefinitions({
      files: files.map(({ issues: _, ...file }) => file),
      issues,
      ...(fault === undefined ? {} : { fault }),
    })
    const ofFolder = fault === undefined || (folder.isMissing && !required) ? [] : [issue(dir, 'error', fault)]
    report([...ofFolder, ...current.issues])
    logger.info({ dir, files: files.map(({ file }) => file) }, 'network definitions read')
  }

  const watch = await watchYamlFolder({ ...options, parse: parseDefinitionYaml, take })
  return { current: () => current, onChange: watch.onChange, close: watch.close }
}

/** As it is now, for a command that ends. Never rejects. */
export const readNetworkFiles = async (options: FilesOptions): Promise<DefinitionSet> => {
  const files = await watchNetworkFiles(options)
  await files.close()
  return files.current()
}
