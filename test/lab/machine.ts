import { execute } from './execute.ts'
import type { Progress } from './packages/cache.ts'

/** A lab needs root and a few ordinary tools of Debian; a missing one is installed. No daemon is among them. */
const tools = { ip: 'iproute2', nsenter: 'util-linux', flock: 'util-linux', ldd: 'libc-bin' }

export async function checkMachine(progress: Progress): Promise<void> {
  if (process.platform !== 'linux') throw new Error('the lab runs on Linux only')
  if (process.getuid?.() !== 0) throw new Error('the lab makes namespaces and mounts: run it as root')
  const missing: string[] = []
  for (const [tool, debianPackage] of Object.entries(tools)) {
    const found = await execute('sh', ['-c', `command -v ${tool}`], { check: false })
    if (found.code !== 0) missing.push(debianPackage)
  }
  if (missing.length === 0) return
  progress(`installing ${missing.join(', ')}`)
  const install = ['install', '-qq', '--yes', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', ...missing]
  const first = await execute('apt-get', install, { check: false })
  if (first.code === 0) return
  await execute('apt-get', ['update', '-qq']) // a new machine has no package lists yet
  await execute('apt-get', install)
}
