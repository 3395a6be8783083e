/** The table of docs/configuration.md, made from the schema; a test compares them. */
import { variables } from './load.ts'
import type { VariableOptions } from './variable.ts'

/** Markdown, one table a role. */
export function configurationTables(): string {
  return [
    '## The controller (`serve`)',
    '',
    table('serve'),
    '',
    '## The agent (`agent`)',
    '',
    'And of those above `DOCKER_HOST` with its companions, for the engine of its own node, and `LOG_LEVEL`.',
    '',
    table('agent'),
    '',
    '## Commands (`ls`, `up`, `down`, `network` and Orbiter’s names for them)',
    '',
    '`network` also reads `DOCKER_HOST` with its companions, for the engine of a manager, and `ORRERY_NETWORK_DIR`.',
    '',
    table('commands'),
  ].join('\n')
}

const table = (role: VariableOptions['role']): string =>
  [
    '| variable | default | meaning |',
    '|---|---|---|',
    ...variables()
      .filter((v) => v.role === role)
      .map(row),
  ].join('\n')

const row = ({ env, default: fallback, description, secret }: VariableOptions): string =>
  `| \`${env}\` | ${fallback ? `\`${fallback}\`` : '–'} | ${description}${secret ? ' Secret.' : ''} |`
