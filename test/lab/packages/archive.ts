import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type Docker from 'dockerode'
import { execute } from '../execute.ts'

/** Configuration of an image as the engine keeps it: Env, Cmd, Entrypoint and the like. */
export type ImageConfig = Record<string, unknown>

// The same files give the same bytes, and so the same image id on every node.
const reproducible = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner']

/**
 * Writes an archive as `docker save` would: one layer, and for each reference its own configuration.
 * `files` names, for each folder in the image, the folder of this machine that it is copied from.
 */
export async function writeArchive(path: string, files: Record<string, string>, images: Record<string, ImageConfig>) {
  const work = `${path}.work`
  await rm(work, { recursive: true, force: true })
  await mkdir(work)
  const layer = join(work, 'layer.tar')
  let mode = '--create'
  for (const [target, source] of Object.entries(files)) {
    const rename = target === '/' ? [] : [`--transform=flags=r;s,^\\.,${target.replace(/^\//, '')},`]
    await execute('tar', [...reproducible, ...rename, mode, '--file', layer, '--directory', source, '.'])
    mode = '--append'
  }
  const { stdout: architecture } = await execute('dpkg', ['--print-architecture'])
  const diffId = `sha256:${await sha256(layer)}`
  const manifest: object[] = []
  for (const [reference, config] of Object.entries(images)) {
    const created = '2026-01-01T00:00:00Z'
    const text = JSON.stringify({
      ...{ architecture: architecture.trim(), os: 'linux', created, config },
      rootfs: { type: 'layers', diff_ids: [diffId] },
      history: [{ created, created_by: `orrery-lab ${reference}` }],
    })
    const file = `${createHash('sha256').update(text).digest('hex')}.json`
    await writeFile(join(work, file), text)
    manifest.push({ Config: file, RepoTags: [reference], Layers: ['layer.tar'] })
  }
  await writeFile(join(work, 'manifest.json'), JSON.stringify(manifest))
  await execute('tar', [...reproducible, '--create', '--file', path, '--directory', work, '.'])
  await rm(work, { recursive: true })
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** `docker load`. The engine answers 200 whatever happens; a failure is in the stream. */
export async function loadArchive(api: Docker, archive: string): Promise<void> {
  const text = await textOf(await api.loadImage(createReadStream(archive)))
  const failed = /"error":"((?:[^"\\]|\\.)*)"/.exec(text)
  if (failed) throw new Error(`load of ${archive}: ${failed[1]}`)
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += chunk
  return text
}

/** Hands `work` a folder that is gone afterwards. */
export async function inTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-lab-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
