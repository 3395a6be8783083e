/** The product's image made in a lab, which has no network: the Dockerfile's first stages are prepared here instead. */
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { LabNode } from '../../lab/lab.ts'
import { loadFolders } from '../../lab/packages/build-image.ts'

export const repository = join(import.meta.dirname, '../../..')

/** Build arguments of the Dockerfile that name nothing but what `loadBuildStage` and the lab have put on the node. */
export const buildArgs = {
  NODE_IMAGE: 'orrery-lab/node',
  BUILD_STAGE: 'orrery-build',
  IP_STAGE: 'orrery-build',
} as const

/**
 * What the first stages would have left: /app with the built program and the packages that it needs, no others, and an
 * empty /collected, since the lab's base has `ip`.
 */
export async function loadBuildStage(node: LabNode): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'orrery-build-stage-'))
  const [folder, collected] = [join(root, 'app'), join(root, 'collected')]
  try {
    await mkdir(collected)
    for (const entry of ['dist', 'package.json', ...(await productionPackages())]) {
      await mkdir(dirname(join(folder, entry)), { recursive: true })
      await cp(join(repository, entry), join(folder, entry), { recursive: true, verbatimSymlinks: true })
    }
    await rm(join(folder, 'dist/build.tsbuildinfo'))
    await loadFolders(node, buildArgs.BUILD_STAGE, { '/app': folder, '/collected': collected })
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>
}

/** Folders below node_modules that `npm prune --omit=dev` would leave. */
async function productionPackages(): Promise<string[]> {
  const lock = JSON.parse(await readFile(join(repository, 'package-lock.json'), 'utf8')) as Lock
  return Object.entries(lock.packages)
    .filter(([path, { dev }]) => !dev && /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path))
    .map(([path]) => path)
}
