import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { LabNode } from '../lab.ts'
import { type ImageConfig, inTemporaryFolder, loadArchive, writeArchive } from './archive.ts'

export type BuildOptions = {
  /** The build's context, a folder of this machine. */
  folder: string
  tag: string
  /** Below the folder; default Dockerfile. */
  dockerfile?: string
  buildArgs?: Record<string, string>
}

/**
 * `docker build` inside a node, which has no network: every base image must be there already. BuildKit leaves out
 * stages that nothing refers to; the older builder runs them all, and `npm ci` fails.
 */
export async function buildImage(node: LabNode, { folder, tag, dockerfile, buildArgs = {} }: BuildOptions) {
  const file = dockerfile === undefined ? [] : ['--file', join(folder, dockerfile)]
  const args = Object.entries(buildArgs).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`])
  const build = ['docker', 'build', '--progress=plain', '--tag', tag, ...file, ...args, folder]
  await node.run(build, { check: true, env: { DOCKER_BUILDKIT: '1' }, timeoutMs: 120_000 })
}

/** An image that holds folders of this machine, and nothing else: for instance what a build stage would have made. */
export async function loadFolders(
  node: LabNode,
  reference: string,
  files: Record<string, string>,
  config: ImageConfig = {},
): Promise<void> {
  await inTemporaryFolder(async (folder) => {
    const archive = join(folder, 'image.tar')
    const tagged = /:[^/]*$/.test(reference) ? reference : `${reference}:latest`
    await writeArchive(archive, files, { [tagged]: config })
    await loadArchive(node.api, archive)
  })
}

/** Copies an image from one node to others. */
export async function shareImage(from: LabNode, to: readonly LabNode[], reference: string): Promise<void> {
  await inTemporaryFolder(async (folder) => {
    const archive = join(folder, 'image.tar')
    await pipeline(await from.api.getImage(reference).get(), createWriteStream(archive))
    await Promise.all(to.filter((node) => node !== from).map((node) => loadArchive(node.api, archive)))
  })
}
