/** Policies as files: `<folder>/<name>.yaml`, active within 2 s of a change. */
import type { PolicyFile, PolicyIssue } from '../../autoscaling/policy/policy.ts'
import type { PolicyFiles } from '../../autoscaling/ports.ts'
import { createOnceLog } from '../../foundation/log-once.ts'
import { type ParsedPolicy, parsePolicyYaml } from './parse-policy-yaml.ts'
import { type FilesOptions, SUFFIX, watchYamlFolder, type YamlFile, type YamlFolder } from './yaml-folder.ts'

export interface WatchedPolicyFiles extends PolicyFiles {
  close(): Promise<void>
}

const toPolicyFile = (fileName: string, { good, fault }: YamlFile<ParsedPolicy>): PolicyFile | undefined => {
  if (good === undefined) return undefined
  const name = fileName.slice(0, -SUFFIX.length)
  const stale: PolicyIssue[] =
    fault === undefined
      ? []
      : [
          {
            severity: 'warning',
            field: fileName,
            message: `${fault}; the last version that could be read stays active`,
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
export const watchPolicyFiles = async (options: FilesOptions): Promise<WatchedPolicyFiles> => {
  const { dir, required, logger } = options
  let policies: readonly PolicyFile[] = []
  let problems: readonly Problem[] = []
  const report = createOnceLog<Problem>({
    keyOf: ({ file, issue }) => `${file} ${issue.field} ${issue.message}`,
    begun: ({ file, issue }) => logger.warn({ file, issue }, 'policy file problem'),
  })

  const folderProblems = ({ fault, isMissing }: YamlFolder<ParsedPolicy>): Problem[] => {
    if (fault === undefined || (isMissing && !required)) return []
    const severity = isMissing ? 'warning' : 'error'
    return [problem(dir, severity, `the folder of policy files cannot be read: ${fault}`)]
  }

  const fileProblems = ({ files }: YamlFolder<ParsedPolicy>): Problem[] =>
    [...files].flatMap(([file, { good, fault }]) =>
      good !== undefined || fault === undefined ? [] : [problem(file, 'error', `not active: ${fault}`)],
    )

  const take = (folder: YamlFolder<ParsedPolicy>) => {
    policies = markRivals([...folder.files].flatMap(([file, state]) => toPolicyFile(file, state) ?? []))
    const misnamed = folder.misnamed.map((file) => problem(file, 'warning', 'not read: the name must end in .yaml'))
    problems = [...folderProblems(folder), ...fileProblems(folder), ...misnamed]
    report([
      ...problems,
      ...policies.flatMap(({ name, issues }) => issues.map((issue) => ({ file: name + SUFFIX, issue }))),
    ])
    logger.info({ dir, files: policies.map(({ name }) => name) }, 'policy files read')
  }

  const watch = await watchYamlFolder({ ...options, parse: parsePolicyYaml, take })
  return { list: () => policies, problems: () => problems, ...watch }
}
