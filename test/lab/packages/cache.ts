import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** What is fetched or built once and kept: engines' packages and images. Never part of a running lab. */
export const cacheFolder = process.env.ORRERY_LAB_CACHE ?? '/var/cache/orrery-lab'

export type Progress = (line: string) => void

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

/** Runs `work` while no other process holds `name`. The kernel gives the lock back if this process dies. */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  await mkdir(cacheFolder, { recursive: true })
  const holder = spawn('flock', ['--exclusive', join(cacheFolder, `${name}.lock`), 'sh', '-c', 'echo; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  try {
    await once(holder.stdout, 'data')
    return await work()
  } finally {
    holder.stdin.end()
  }
}

/** The path of a cache entry, built first if it is not there. It appears whole or not at all. */
export async function cached(entry: string, build: (temporary: string) => Promise<void>): Promise<string> {
  const path = join(cacheFolder, entry)
  if (await exists(path)) return path
  return withLock(entry, async () => {
    if (await exists(path)) return path
    const temporary = `${path}.partial`
    await rm(temporary, { recursive: true, force: true })
    await build(temporary)
    await rename(temporary, path)
    return path
  })
}
