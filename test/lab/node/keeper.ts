import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { keeperScript } from '../state.ts'
import { isRunning, readProcessId } from './processes.ts'

export type Keeper = {
  folder: string
  subnet: string
  /** First process of the lab. */
  lab: number
  /** From now on the lab outlives this process. */
  letGo(): void
}

export type KeeperDeps = { folder: string; subnet: string; init: string }

/** Starts the process that makes the lab's folder and first process, and clears both when this process ends. */
export async function startKeeper({ folder, subnet, init }: KeeperDeps): Promise<Keeper> {
  const keeper = spawn('sh', [keeperScript, 'hold', folder, `${subnet}.1/24`, init], {
    detached: true, // Ctrl-C in a terminal is for this process, not for the keeper
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  keeper.unref()
  // The other end of this pipe tells the keeper that this process is still there.
  keeper.stdin.on('error', () => {})
  for (const deadline = Date.now() + 20_000; ; await sleep(5)) {
    const first = readProcessId(join(folder, 'init'))
    if (first && isRunning(first))
      return { folder, subnet, lab: first.pid, letGo: () => void keeper.stdin.write('keep\n') }
    if (keeper.exitCode === null && Date.now() < deadline) continue
    const log = await readFile(join(folder, 'keeper.log'), 'utf8').catch(() => '')
    keeper.kill()
    throw new Error(`the lab did not start:\n${log}`)
  }
}
