import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'

const MOST_BYTES = 35 * 1024

it('is small: all that a browser loads is at most 35 KB compressed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-web-'))
  try {
    await promisify(execFile)(process.execPath, [join(import.meta.dirname, '../../scripts/build-web.mjs'), folder])
    const names = await readdir(folder)
    const loaded = names.filter((name) => !name.endsWith('.gz'))
    expect(loaded.map((name) => name.replace(/-[A-Z0-9]+\./, '.')).sort()).toEqual([
      'icon.svg',
      'index.html',
      'main.js',
      'style.css',
      'worker.js',
    ])
    const sizes = await Promise.all(
      loaded.map(async (name) =>
        names.includes(`${name}.gz`)
          ? (await readFile(join(folder, `${name}.gz`))).length
          : gzipSync(await readFile(join(folder, name))).length,
      ),
    )
    const bytes = sizes.reduce((sum, size) => sum + size, 0)
    console.log(`the dashboard is ${(bytes / 1024).toFixed(1)} KB compressed`)
    expect(bytes).toBeLessThanOrEqual(MOST_BYTES)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
