/** nginx at a lab's bridges, as an operator's reverse proxy: Debian's package, never installed. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Lab } from '../lab.ts'
import { fetchPackages } from '../packages/engines.ts'

/** `port`: the one that the configuration listens on. Its address is on this machine's loopback. */
export async function startNginx(
  lab: Lab,
  { http, port }: { readonly http: string; readonly port: number },
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const { folder: root } = await fetchPackages('nginx', 'bookworm', ['nginx'], () => {})
  const folder = await mkdtemp(join(tmpdir(), 'orrery-nginx-'))
  await mkdir(join(folder, 'temp'))
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(folder, 'temp', name)};`,
  )
  const main = `user root;\npid ${join(folder, 'pid')};\nerror_log ${join(folder, 'error.log')};\ndaemon off;\nevents {}\n`
  await writeFile(join(folder, 'nginx.conf'), `${main}http {\naccess_log off;\n${paths.join('\n')}\n${http}\n}\n`)
  const started = await lab.spawn([join(root, 'usr/sbin/nginx'), '-e', 'stderr', '-c', join(folder, 'nginx.conf')])
  const forward = await lab.forward(port, '127.0.0.1')
  const close = async () => {
    started.kill('SIGTERM')
    await started.exited
    await forward.close()
    await rm(folder, { recursive: true, force: true })
  }
  for (let tries = 0; tries < 200; tries += 1) {
    const answer = await fetch(forward.url).catch(() => undefined)
    if (answer !== undefined) return { url: forward.url, close }
    await sleep(50)
  }
  await close()
  throw new Error(`nginx does not answer: ${started.output()}`)
}
