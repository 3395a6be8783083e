/**
 * An engine that only says that it has very many services, in a process of its own, started with `fork`: what it lists is
 * written as it is sent, so that it holds none of it. It takes updates, tells of them, and compares versions.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

export interface CrowdOrder {
  readonly socketPath: string
  readonly services: number
  /** The first so many have a policy. */
  readonly withPolicy: number
}

const FIRST_VERSION = 10
const AT_ONCE = 200
const ENV = Array.from({ length: 12 }, (_, index) => `"SOME_SETTING_${index}=with a value of the usual length"`).join()

let order: CrowdOrder = { socketPath: '', services: 0, withPolicy: 0 }
/** By id, the specs that were written. */
const written = new Map<string, { readonly version: number; readonly spec: string }>()
const streams = new Set<ServerResponse>()
let version = FIRST_VERSION

const idOf = (index: number): string => `s${String(index).padStart(24, '0')}`

function specOf(index: number): string {
  const labels =
    index < order.withPolicy ? ',"autoscaler.enable":"true","autoscaler.max":"9","autoscaler.cooldown":"0s"' : ''
  return `{"Name":"service-${index}","Labels":{"com.docker.stack.image":"registry.example/team/app:1.2.3","com.docker.stack.namespace":"stack-${index % 500}"${labels}},"TaskTemplate":{"ContainerSpec":{"Image":"registry.example/team/app:1.2.3@sha256:${'0'.repeat(64)}","Labels":{"com.docker.stack.namespace":"stack-${index % 500}"},"Env":[${ENV}],"Privileges":{"CredentialSpec":null,"SELinuxContext":null},"Isolation":"default"},"Resources":{},"Placement":{"Platforms":[{"Architecture":"amd64","OS":"linux"}]},"Networks":[{"Target":"n${'0'.repeat(24)}","Aliases":["app"]}],"ForceUpdate":0,"Runtime":"container"},"Mode":{"Replicated":{"Replicas":1}},"EndpointSpec":{"Mode":"vip"}}`
}

function serviceOf(index: number): string {
  const id = idOf(index)
  const { version: now = FIRST_VERSION, spec = specOf(index) } = written.get(id) ?? {}
  const endpoint = `"Endpoint":{"Spec":{"Mode":"vip"},"VirtualIPs":[{"NetworkID":"n${'0'.repeat(24)}","Addr":"10.0.1.5/24"}]}`
  return `{"ID":"${id}","Version":{"Index":${now}},"CreatedAt":"2026-01-31T12:00:00Z","UpdatedAt":"2026-01-31T12:00:00.${String(now).padStart(9, '0')}Z","Spec":${spec},"PreviousSpec":${specOf(index)},${endpoint}}`
}

async function list(response: ServerResponse): Promise<void> {
  response.write('[')
  for (let index = 0; index < order.services; index += AT_ONCE) {
    const count = Math.min(AT_ONCE, order.services - index)
    const some = Array.from({ length: count }, (_, more) => serviceOf(index + more)).join()
    if (!response.write(index === 0 ? some : `,${some}`)) await once(response, 'drain')
  }
  response.end(']\n')
}

async function update(request: IncomingMessage, response: ServerResponse, id: string): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const asked = Number(new URL(request.url ?? '', 'http://engine').searchParams.get('version'))
  if (asked !== (written.get(id)?.version ?? FIRST_VERSION)) {
    response.writeHead(500).end('{"message":"rpc error: code = Unknown desc = update out of sequence"}')
    return
  }
  version += 1
  written.set(id, { version, spec: Buffer.concat(chunks).toString() })
  response.end('{"Warnings":null}')
  const timeNano = `${Math.floor(Date.parse('2026-01-31T12:00:00Z') / 1000)}${String(version).padStart(9, '0')}`
  for (const stream of streams)
    stream.write(
      `{"Type":"service","Action":"update","Actor":{"ID":"${id}","Attributes":{"name":"x"}},"scope":"swarm","timeNano":${timeNano}}\n`,
    )
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '', 'http://engine')
  const [, kind, id = '', verb] = pathname.split('/')
  response.setHeader('Content-Type', 'application/json')
  if (kind === 'services' && verb === 'update') return await update(request, response, id)
  if (kind === 'services' && id !== '') return void response.end(serviceOf(Number(id.slice(1))))
  if (kind === 'services') return await list(response)
  if (kind === 'swarm') return void response.end('{"ID":"crowd","Version":{"Index":10}}')
  if (kind === 'events') {
    response.flushHeaders()
    streams.add(response)
    response.once('close', () => streams.delete(response))
    return
  }
  response.end('[]')
}

process.once('message', (given: CrowdOrder) => {
  order = given
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  server.listen(order.socketPath, () => process.send?.('listening'))
})
process.on('disconnect', () => process.exit())
