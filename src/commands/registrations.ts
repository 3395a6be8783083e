/** `orrery registrations`: what is in Consul and what should be, as a table or as the API's JSON. */
import Table from 'cli-table3'
import { hostPort } from '../foundation/host-port.ts'
import type { WireRegistrations } from '../http/wire/registration.ts'
import type { Console, ExitCode } from './console.ts'
import { callController, problemText } from './controller-client.ts'

export interface RegistrationOptions {
  readonly json?: true
  readonly service?: string
}

export async function registrations({ json, service }: RegistrationOptions, io: Console): Promise<ExitCode> {
  const query = service === undefined ? '' : `?service=${encodeURIComponent(service)}`
  const answer = await callController(io, { path: `/v1/registration${query}` })
  if (answer.status === 404) {
    io.err('orrery: this controller registers nothing: CONSUL_HTTP_ADDR is not set there (docs/discovery.md)\n')
    return 1
  }
  if (answer.status !== 200) {
    io.err(`orrery: ${problemText(answer)}\n`)
    return 1
  }
  if (json) io.out(`${answer.text}\n`)
  else io.out(textOf(JSON.parse(answer.text)))
  return 0
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
  const table = new Table({
    head: ['NAME', 'ADDRESS', 'NODE', 'SERVICE', 'STATE', 'TAGS'],
    style: { head: [], border: [] },
  })
  for (const { name, address, port, node, service, state, tags } of rows) {
    table.push([name, hostPort(address, port), node, service, state, tags.join('\n')])
  }
  const troubles = conditions.filter(({ status }) => !status).map(({ type, reason }) => `not ${type}: ${reason}`)
  const wrong = issues.map(
    ({ service, key, value, message, effect }) => `${effect}: ${service}: ${key}=${value} ${message}`,
  )
  const written = lastSync === undefined ? '' : `, last brought in step ${lastSync.at}`
  const summary = [
    `${counts.registered} of ${counts.desired} desired entries are in Consul at ${consul} (${role}${written}).`,
  ]
  return [...(rows.length === 0 ? [] : [table.toString()]), ...summary, ...troubles, ...wrong, ''].join('\n')
}
