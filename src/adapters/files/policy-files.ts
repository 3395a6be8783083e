/** Policies as files: `<folder>/<name>.yaml`, in force within 2 s of a change. */
import type { PolicyFile, PolicyIssue } from '../../autoscaling/policy.ts'
import type { Logger, PolicyFiles } from '../../autoscaling/ports.ts'
import { type ParsedPolicy, parsePolicyYaml } from './parse-policy-yaml.ts'
import { type FileContent, type FolderContent, watchFolder } from './watch-folder.ts'

export interface WatchedPolicyFiles extends PolicyFiles {
  close(): Promise<void>
}

interface PolicyFilesOptions {
  readonly dir: string
  /** Whether a person named the folder: then it is a problem if it is missing. */
  readonly required: boolean
  readonly logger: Logger
  /** A change is in force after two to three of these. */
  readonly pollMs?: number
}

const SUFFIX = '.yaml'

/** A hundred times the longest sensible policy; what the parser would need a second for must not stop the scaling. */
const MAX_BYTES = 64 * 1024

const isPolicyFile = (fileName: string): boolean =>
  fileName.endsWith(SUFFIX) && !fileName.endsWith('.example.yaml') && !fileName.startsWith('.')

/** Of the same folder, and easily taken for a policy. */
const isMisnamed = (fileName: string): boolean => fileName.endsWith('.yml') && !fileName.startsWith('.')

interface LoadedFile {
  readonly content: FileContent
  /** The newest version that parsed. */
  readonly good?: ParsedPolicy
  /** Why the newest version does not. */
  readonly fault?: string
}

const load = (content: FileContent, before: LoadedFile | undefined): LoadedFile => {
  const kept = before?.good === undefined ? {} : { good: before.good }
  if (content.kind === 'unreadable') return { content, ...kept, fault: content.message }
  const yaml = parsePolicyYaml(content.text)
  return yaml.kind === 'parsed' ? { content, good: yaml.policy } : { content, ...kept, fault: yaml.message }
}

const toPolicyFile = (fileName: string, { good, fault }: LoadedFile): PolicyFile | undefined => {
  if (good === undefined) return undefined
  const name = fileName.slice(0, -SUFFIX.length)
  const stale: PolicyIssue[] =
    fault === undefined
      ? []
      : [
          {
            severity: 'warning',
            field: fileName,
            message: `${fault}; the last version that could be read stays in force`,
          },
        ]
  return { name, service: good.service ?? name, fields: good.fields, issues: [...stale, ...good.issues] }
}

/** Two files for one service: neither is right, so both are marked. */
const markRivals = (policies: readonly PolicyFile[]): readonly PolicyFile[] =>
  policies.map((policy) => {
    const rivals = policies.filter(({ service, name }) => service === policy.service && name !== policy.name)
    if (rivals.length === 0) return policy
    const others = rivals.map(({ name }) => `${name}${SUFFIX}`).join(', ')
    const message = `${policy.name}${SUFFIX} and ${others} are for the same service; keep one`
    return {
      ...policy,
      issues: [...policy.issues, { severity: 'error', field: 'service', value: policy.service, message }],
    }
  })

type Problem = ReturnType<PolicyFiles['problems']>[number]

const problem = (file: string, severity: PolicyIssue['severity'], message: string): Problem => ({
  file,
  issue: { severity, field: file, message },
})

/** Resolves when every file there is has been read. Never rejects: what is wrong is in `problems()` and in the issues. */
export const watchPolicyFiles = async (options: PolicyFilesOptions): Promise<WatchedPolicyFiles> => {
  const { dir, required, logger } = options
  const listeners = new Set<() => void>()
  let loaded = new Map<string, LoadedFile>()
  let policies: readonly PolicyFile[] = []
  let problems: readonly Problem[] = []
  let reported: ReadonlySet<string> = new Set()

  const folderProblems = ({ fault, isMissing }: FolderContent): Problem[] => {
    if (fault === undefined || (isMissing && !required)) return []
    const severity = isMissing ? 'warning' : 'error'
    return [problem(dir, severity, `the folder of policy files cannot be read: ${fault}`)]
  }

  const fileProblems = (): Problem[] =>
    [...loaded].flatMap(([file, { good, fault }]) =>
      good !== undefined || fault === undefined ? [] : [problem(file, 'error', `not in force: ${fault}`)],
    )

  /** Each once, for as long as it lasts. */
  const report = (now: readonly Problem[]) => {
    const keys = new Map(now.map((entry) => [`${entry.file} ${entry.issue.field} ${entry.issue.message}`, entry]))
    for (const [key, { file, issue }] of keys)
      if (!reported.has(key)) logger.warn({ file, issue }, 'policy file problem')
    reported = new Set(keys.keys())
  }

  const take = (content: FolderContent) => {
    const names = [...content.files.keys()].sort()
    loaded = new Map(
      names.filter(isPolicyFile).flatMap((file) => {
        const newest = content.files.get(file)
        const before = loaded.get(file)
        if (newest === undefined) return []
        return [[file, before?.content === newest ? before : load(newest, before)]]
      }),
    )
    policies = markRivals([...loaded].flatMap(([file, state]) => toPolicyFile(file, state) ?? []))
    const misnamed = names
      .filter(isMisnamed)
      .map((file) => problem(file, 'warning', 'not read: the name must end in .yaml'))
    problems = [...folderProblems(content), ...fileProblems(), ...misnamed]
    report([
      ...problems,
      ...policies.flatMap(({ name, issues }) => issues.map((issue) => ({ file: name + SUFFIX, issue }))),
    ])
    logger.info({ dir, files: policies.map(({ name }) => name) }, 'policy files read')
  }

  /** A listener's fault must not end the watching. */
  const tell = (listener: () => void) => {
    try {
      listener()
    } catch (error) {
      logger.error({ err: error }, 'a listener of the policy files failed')
    }
  }

  const folder = await watchFolder({
    dir,
    accepts: (name) => isPolicyFile(name) || isMisnamed(name),
    maxBytes: MAX_BYTES,
    pollMs: options.pollMs ?? 400,
    onChange: (content) => {
      take(content)
      for (const listener of listeners) tell(listener)
    },
  })
  take(folder.content())

  return {
    list: () => policies,
    problems: () => problems,
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close: () => folder.close(),
  }
}
