/**
 * Swarmkit's Watch service, which every manager's engine serves on its local control socket: each change of a task, some
 * milliseconds after it is in the Raft log.
 */
import { access } from 'node:fs/promises'
import { connect } from 'node:tls'
import { Client, credentials, Metadata } from '@grpc/grpc-js'
import { codeOf, messageOf } from '../../../foundation/errors.ts'
import { readWatchMessage, type TaskChange, WATCH_REQUEST } from './watch-message.ts'

export interface WatchDeps {
  /** `/var/run/docker/swarm/control.sock`. */
  readonly socketPath: string
  /** The id of the Swarm that the socket must be of. Throws when it cannot be read. */
  readonly clusterId: () => Promise<string>
  readonly signal: AbortSignal
  /** How long the first message may take. */
  readonly timeoutMs: number
  /** The stream is complete from here on. */
  readonly onComplete: () => void
  /** Of one transaction. */
  readonly onChanges: (changes: readonly TaskChange[]) => void
}

const SERVICE = 'docker.swarmkit.v1.Watch'
// A transaction is 1.5 MB at most; its tasks come with their specs and networks.
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024

/** Follows one stream to its end. Resolves with the reason, a sentence; never rejects. */
export async function watchTasks(deps: WatchDeps): Promise<string> {
  try {
    await access(deps.socketPath)
    const [found, wanted] = await Promise.all([clusterBehind(deps), deps.clusterId()])
    if (found !== wanted) return `${deps.socketPath} is of another Swarm than DOCKER_HOST: set ORRERY_SWARM_SOCKET.`
  } catch (error) {
    return `Tasks cannot be followed at ${deps.socketPath}: ${reasonOf(error)}.`
  }
  return await follow(deps)
}

/**
 * TLS because the socket speaks nothing else. Not verified: the certificate is of the cluster's own authority, and whoever can
 * put another socket into this folder of root's is root. It does say whose engine listens.
 */
const UNVERIFIED = { rejectUnauthorized: false }

/** Certificates of Swarm have the cluster's id as organization. */
function clusterBehind({ socketPath, signal, timeoutMs }: WatchDeps): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: socketPath, ALPNProtocols: ['h2'], ...UNVERIFIED })
    const stop = () => socket.destroy()
    signal.addEventListener('abort', stop, { once: true })
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error('nobody answers')))
    socket.once('secureConnect', () => {
      resolve(String(socket.getPeerCertificate().subject?.O ?? ''))
      stop()
    })
    socket.once('error', reject)
    socket.once('close', () => {
      signal.removeEventListener('abort', stop)
      reject(new Error('the connection ended'))
    })
  })
}

async function follow({ socketPath, signal, timeoutMs, onComplete, onChanges }: WatchDeps): Promise<string> {
  const client = new Client(`unix:${socketPath}`, credentials.createSsl(null, null, null, UNVERIFIED), {
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.enable_http_proxy': 0,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.service_config_disable_resolution': 1,
  })
  const asIs = (request: Buffer) => request
  const call = client.makeServerStreamRequest(
    `/${SERVICE}/Watch`,
    asIs,
    readWatchMessage,
    WATCH_REQUEST,
    new Metadata(),
    {},
  )
  let [isLate, isComplete] = [false, false]
  const stop = () => call.cancel()
  const timer = setTimeout(() => {
    isLate = true
    stop()
  }, timeoutMs)
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    return await new Promise<string>((resolve) => {
      call.on('data', (changes: readonly TaskChange[]) => {
        clearTimeout(timer)
        if (!isComplete) onComplete()
        isComplete = true
        if (changes.length > 0) onChanges(changes)
      })
      call.on('error', (error) => {
        const late = `The watch of tasks did not begin within ${timeoutMs} ms.`
        resolve(isLate ? late : `The watch of tasks ended: ${error.message}.`)
      })
      call.once('end', () => resolve('The engine ended the watch of tasks.'))
    })
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
    client.close()
  }
}

function reasonOf(error: unknown): string {
  if (codeOf(error) === 'ENOENT') return 'there is no such socket'
  if (codeOf(error) === 'EACCES') return 'no permission to use it'
  return messageOf(error)
}
