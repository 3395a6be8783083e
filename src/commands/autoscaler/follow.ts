/** `events`: what the controller tells as it happens. */
import { reasonAndNote } from '../../autoscaling/decision/decision.ts'
import { isJsonObject } from '../../foundation/stored-json.ts'
import { visibleText } from '../../foundation/visible-text.ts'
import type { Console, ExitCode } from '../console.ts'
import { openStream } from '../controller-client.ts'
import type { JsonOption } from './call.ts'

export interface Told {
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
}

/** With `--json` each event is one line. */
export const events = async ({ json }: JsonOption, io: Console): Promise<ExitCode> =>
  await follow(io, (told) => io.out(json ? `${JSON.stringify(told)}\n` : `${visibleText(words(told))}\n`))

/** Runs until the stream ends or the process does. Throws Error when nobody answers. */
export async function follow(io: Console, hear: (told: Told) => void): Promise<ExitCode> {
  for await (const block of openStream(io, '/v1/event')) {
    const told = parse(block)
    if (told !== undefined) hear(told)
  }
  io.err('orrery: the controller ended the stream\n')
  return 1
}

function parse(block: string): Told | undefined {
  // Only a line feed ends a line here: JSON may hold the other separators as they are.
  const lines = block.split('\n')
  const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
  const data = field('data')
  if (data === undefined) return undefined
  const told: unknown = JSON.parse(data)
  return isJsonObject(told) ? { type: field('event') ?? 'message', data: told } : undefined
}

function words({ type, data }: Told): string {
  const {
    at = new Date().toISOString(),
    autoscaler,
    name,
    service,
    outcome,
    code,
    from,
    to,
    reason,
    text,
    replicas,
  } = data
  if (type === 'decision') {
    const count = from === to ? `at ${to}` : `${from} -> ${to}`
    const note = typeof data.note === 'string' ? { note: data.note } : {}
    return `${at} ${autoscaler}: ${code ?? outcome} ${count}: ${reasonAndNote({ reason: String(reason), ...note })}`
  }
  const who = data.everything === true ? 'everything' : (name ?? autoscaler ?? service ?? '')
  const turned = type === 'condition' ? `${data.type} is ${data.status ? 'true' : 'false'}: ${reason}` : undefined
  const alert = type === 'alert' ? `${data.alert} ${data.state}` : undefined
  const what = turned ?? alert ?? text ?? reason ?? (replicas === undefined ? '' : `${replicas} replicas`)
  return `${at} ${[type, who, what].filter((part) => part !== '').join(' ')}`
}
