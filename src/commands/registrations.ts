/** `orrery registrations`: what is in Consul and what should be, as a table or as the API's JSON. */
import { hostPort } from '../foundation/host-port.ts'
import type { WireRegistrations } from '../http/wire/registration.ts'
import { type JsonOption, show } from './autoscaler/call.ts'
import type { Console, ExitCode } from './console.ts'
import { textTable } from './text-table.ts'

export interface RegistrationOptions extends JsonOption {
  readonly service?: string
}

export async function registrations({ service, ...options }: RegistrationOptions, io: Console): Promise<ExitCode> {
  const notFound = 'this controller registers nothing: CONSUL_HTTP_ADDR is not set there (docs/discovery.md)'
  const call = { path: '/v1/registration', query: { service }, notFound }
  return await show<WireRegistrations>(call, options, io, textOf)
}

function textOf({
  registrations: rows,
  conditions,
  issues,
  counts,
  consul,
  role,
  lastSync,
}: WireRegistrations): string {
  const cells = rows.map(({ name, address, port, node, service, state, reason, tags }) => [
    ...[name, hostPort(address, port), node, service],
    [state, reason],
    tags.length === 0 ? '' : tags,
  ])
  const table = textTable(['NAME', 'ADDRESS', 'NODE', 'SERVICE', 'STATE', 'TAGS'], cells, { isRuled: true })
  const troubles = conditions.filter(({ status }) => !status).map(({ type, reason }) => `not ${type}: ${reason}`)
  const wrong = issues.map(
    ({ service, key, value, message, effect }) => `${effect}: ${service}: ${key}=${value} ${message}`,
  )
  const written = lastSync === undefined ? '' : `, last synchronized ${lastSync.at}`
  const summary = [
    `${counts.registered} of ${counts.desired} desired entries are in Consul at ${consul} (${role}${written}).`,
  ]
  return [...(rows.length === 0 ? [] : [table.trimEnd()]), ...summary, ...troubles, ...wrong, ''].join('\n')
}
