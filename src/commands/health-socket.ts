/** How `orrery alive` asks the agent beside it: a socket in the agent's state folder, or where that cannot be written. */
import { rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'

/** In a container without a writable disk there is still shared memory. */
const FALLBACK = '/dev/shm'
const ANSWER_MS = 2_500

const socketsFor = (stateDir: string): readonly string[] =>
  [stateDir, FALLBACK].map((dir) => join(dir, 'orrery-agent.sock'))

export interface HealthSocket {
  close(): Promise<void>
}

/** `undefined`: there is no place for a socket. `isTurning` is asked anew for each caller. */
export async function openHealthSocket(stateDir: string, isTurning: () => boolean): Promise<HealthSocket | undefined> {
  for (const path of socketsFor(stateDir)) {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.end(isTurning() ? 'alive' : 'stuck')
    })
    try {
      // What an agent left that was killed; while two run, the newer one is asked.
      await rm(path, { force: true })
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(path, resolve)
      })
      return { close: () => new Promise((resolve) => server.close(() => resolve())) }
    } catch {
      // The next place. With none, the caller says so.
    }
  }
  return undefined
}

/** Its answer; `undefined`: there is no agent here, or none that answers. */
export async function askHealthSocket(stateDir: string): Promise<'alive' | 'stuck' | undefined> {
  for (const path of socketsFor(stateDir)) {
    const answer = await ask(path)
    if (answer !== undefined) return answer === 'alive' ? 'alive' : 'stuck'
  }
  return undefined
}

function ask(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(path)
    socket.setTimeout(ANSWER_MS, () => socket.destroy())
    socket.on('data', (chunk) => {
      answer += chunk.toString()
    })
    // No such socket, or nobody behind it: it closes without an answer.
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(answer === '' ? undefined : answer))
  })
}
