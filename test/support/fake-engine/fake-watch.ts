/**
 * Swarmkit's Watch service on a socket of its own, beside a fake engine: the same protocol (gRPC, TLS, protobuf), with what a
 * test says.
 *
 *   const watch = await startFakeWatch()
 *   watch.socketPath                        // for ORRERY_SWARM_SOCKET
 *   watch.stored(rawTask)                   // as the engine lists it; watch.removed(id)
 *   watch.cut(); await watch.close()        // ends the streams, as a demotion does; removes the socket too
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Server, ServerCredentials, type ServerWritableStream, status } from '@grpc/grpc-js'
import type { Json } from './engine-state.ts'

/** What the fake engine says at GET /swarm. */
export const FAKE_CLUSTER = 'swarm'

export interface FakeWatch {
  readonly socketPath: string
  stored(...raw: readonly Json[]): void
  removed(...ids: readonly string[]): void
  /** Bytes of a message, as they are. */
  raw(message: Uint8Array): void
  cut(): void
  openStreams(): number
  /** Every stream that was ever opened. */
  streams(): number
  close(): Promise<void>
}

export async function startFakeWatch({ cluster = FAKE_CLUSTER } = {}): Promise<FakeWatch> {
  const folder = await mkdtemp(join(tmpdir(), 'fake-watch-'))
  const socketPath = join(folder, 'control.sock')
  const open = new Set<ServerWritableStream<Buffer, Uint8Array>>()
  let streams = 0
  const server = new Server()
  const asIs = { serialize: (bytes: Uint8Array) => Buffer.from(bytes), deserialize: (bytes: Buffer) => bytes }
  server.addService(
    {
      Watch: {
        ...{ path: '/docker.swarmkit.v1.Watch/Watch', requestStream: false, responseStream: true },
        ...{ requestSerialize: asIs.serialize, requestDeserialize: asIs.deserialize },
        ...{ responseSerialize: asIs.serialize, responseDeserialize: asIs.deserialize },
      },
    },
    {
      Watch: (stream: ServerWritableStream<Buffer, Uint8Array>) => {
        streams += 1
        open.add(stream)
        stream.on('close', () => open.delete(stream))
        stream.on('cancelled', () => open.delete(stream))
        stream.write(new Uint8Array())
      },
    },
  )
  const { key, cert } = await certificate(folder, cluster)
  const credentials = ServerCredentials.createSsl(null, [{ private_key: key, cert_chain: cert }], false)
  await promisify<string, ServerCredentials, number>(server.bindAsync.bind(server))(`unix:${socketPath}`, credentials)
  const send = (message: Uint8Array) => {
    for (const stream of open) stream.write(message)
  }
  const cut = () => {
    for (const stream of open) stream.emit('error', { code: status.CANCELLED, details: 'context canceled' })
    open.clear()
  }
  return {
    socketPath,
    stored: (...raw) => send(Buffer.concat(raw.map((task) => bytesOf(1, event(2, encodeTask(task)))))),
    removed: (...ids) => send(Buffer.concat(ids.map((id) => bytesOf(1, event(4, textOf(1, id)))))),
    raw: send,
    cut,
    openStreams: () => open.size,
    streams: () => streams,
    async close() {
      cut()
      server.forceShutdown()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function certificate(folder: string, cluster: string): Promise<{ key: Buffer; cert: Buffer }> {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const of = ['-subj', `/O=${cluster}/OU=swarm-manager/CN=fake`, '-days', '2']
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await promisify(execFile)('openssl', ['req', ...kind, '-keyout', key, '-out', cert, ...of])
  return { key: await readFile(key), cert: await readFile(cert) }
}

const STATES = {
  ...{ new: 0, pending: 64, assigned: 192, accepted: 256, preparing: 320, ready: 384, starting: 448, running: 512 },
  ...{ complete: 576, shutdown: 640, failed: 704, rejected: 768, remove: 800, orphaned: 832 },
}

/** A task as the engine lists it -> the message of swarmkit, with fields that nobody here reads between the others. */
export function encodeTask(raw: Json): Buffer {
  const status = at(raw, 'Status')
  const attachments = list(raw.NetworksAttachments).map((one) =>
    bytesOf(11, bytesOf(1, textOf(1, at(one, 'Network').ID))),
  )
  const wanted = list(at(raw, 'Spec').Networks).map((one) => bytesOf(7, textOf(1, one.Target)))
  const container = at(status, 'ContainerStatus').ContainerID
  return Buffer.concat([
    textOf(1, raw.ID),
    bytesOf(2, [
      bytesOf(1, numberOf(1, at(raw, 'Version').Index)),
      ...(raw.CreatedAt === undefined ? [] : [bytesOf(2, time(raw.CreatedAt))]),
      ...(raw.UpdatedAt === undefined ? [] : [bytesOf(3, time(raw.UpdatedAt))]),
    ]),
    bytesOf(3, [bytesOf(1, textOf(1, 'busybox')), ...wanted, numberOf(9, 300)]),
    textOf(4, raw.ServiceID),
    numberOf(5, raw.Slot ?? 0),
    textOf(6, raw.NodeID),
    bytesOf(8, textOf(1, 'annotations that are skipped')),
    bytesOf(9, [
      ...(status.Timestamp === undefined ? [] : [bytesOf(1, time(status.Timestamp))]),
      numberOf(2, STATES[String(status.State) as keyof typeof STATES]),
      textOf(3, status.Message),
      textOf(4, status.Err),
      ...(container === undefined ? [] : [bytesOf(5, [textOf(1, container), numberOf(2, 4242)])]),
    ]),
    numberOf(10, STATES[String(raw.DesiredState) as keyof typeof STATES]),
    ...attachments,
    // A number of a release to come, and the two fixed widths.
    Buffer.from([0xa1, 0x06, 1, 2, 3, 4, 5, 6, 7, 8, 0xa5, 0x06, 1, 2, 3, 4]),
  ])
}

const event = (action: number, task: Buffer): Buffer =>
  Buffer.concat([numberOf(1, action), bytesOf(2, bytesOf(4, task))])

const at = (raw: unknown, key: string): Json => ((raw as Json | undefined)?.[key] ?? {}) as Json
const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? value : [])

function varint(value: number): Buffer {
  const bytes: number[] = []
  let left = value
  while (left >= 128) {
    bytes.push((left % 128) + 128)
    left = Math.floor(left / 128)
  }
  return Buffer.from([...bytes, left])
}

const numberOf = (field: number, value: unknown): Buffer =>
  Buffer.concat([varint(field * 8), varint(Number(String(value ?? 0)))])
const bytesOf = (field: number, value: Buffer | readonly Buffer[]): Buffer => {
  const bytes = Buffer.isBuffer(value) ? value : Buffer.concat(value)
  return Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes])
}
const textOf = (field: number, value: unknown): Buffer =>
  value === undefined || value === '' ? Buffer.alloc(0) : bytesOf(field, Buffer.from(String(value)))

function time(text: unknown): Buffer {
  const nanos = /\.(\d+)Z$/.exec(String(text))?.[1] ?? '0'
  const seconds = Math.floor(Date.parse(String(text)) / 1000)
  return Buffer.concat([numberOf(1, seconds), numberOf(2, nanos.padEnd(9, '0'))])
}
