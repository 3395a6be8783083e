/** A browser for tests: Debian's headless Chromium, unpacked and never installed, driven by playwright-core. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import type { Progress } from '../packages/cache.ts'
import { fetchPackages } from '../packages/engines.ts'

export interface BrowserOptions {
  /** Names that it looks up nowhere: all of them are this machine. On them, pages are no secure context, as on a LAN. */
  readonly names?: readonly string[]
  readonly progress?: Progress
}

/** Fetched at the first call, 100 MB. */
export async function startBrowser({ names = [], progress = () => {} }: BrowserOptions = {}): Promise<Browser> {
  const packages = ['chromium-headless-shell', 'chromium-common', 'fonts-dejavu-core']
  const { folder } = await fetchPackages('browser', 'bookworm', packages, progress)
  return await chromium.launch({
    executablePath: join(folder, 'usr/lib/chromium/chromium-headless-shell'),
    env: { ...process.env, LD_LIBRARY_PATH: libraryFolders(folder).join(':') },
    // Root has no sandbox; without the others it looks up its maker's hosts at every start.
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
      ...['--disable-background-networking', '--disable-component-update'],
      ...(names.length > 0 ? [`--host-resolver-rules=${names.map((name) => `MAP ${name} 127.0.0.1`).join(',')}`] : []),
    ],
  })
}

/** Some libraries have a folder of their own below the architecture's. */
function libraryFolders(folder: string): string[] {
  const base = join(folder, 'usr/lib')
  const architectures = readdirSync(base).filter((name) => name.endsWith('-linux-gnu'))
  return architectures.flatMap((name) => {
    const libraries = join(base, name)
    const inner = readdirSync(libraries).map((each) => join(libraries, each))
    return [libraries, ...inner.filter((path) => statSync(path).isDirectory())]
  })
}
