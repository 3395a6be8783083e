/** Builds web/ into dist/web or the folder that is given: names with a hash of the content, a compressed copy beside each, and the page that names them. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')
const out = resolve(process.argv[2] ?? join(root, 'dist/web'))

await rm(out, { recursive: true, force: true })
await mkdir(out, { recursive: true })
const { metafile, outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: { main: 'web/main.tsx', worker: 'web/stream-worker.ts', style: 'web/style.css' },
  tsconfig: 'web/tsconfig.json',
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  entryNames: '[name]-[hash]',
  outdir: out,
  metafile: true,
  write: false,
})
const names = Object.fromEntries(
  Object.entries(metafile.outputs).map(([path, { entryPoint }]) => [entryPoint, basename(path)]),
)
let page = await readFile(join(root, 'web/index.html'), 'utf8')
page = page
  .replaceAll('%MAIN%', names['web/main.tsx'])
  .replaceAll('%WORKER%', names['web/stream-worker.ts'])
  .replaceAll('%STYLE%', names['web/style.css'])
await writeFile(join(out, 'index.html'), page)
const icon = await readFile(join(root, 'web/icon.svg'))
await writeFile(join(out, 'icon.svg'), icon)
let total = gzipSync(page).length + icon.length
for (const { path, contents } of outputFiles) {
  const packed = gzipSync(contents, { level: 9 })
  total += packed.length
  await writeFile(path, contents)
  await writeFile(`${path}.gz`, packed)
}
console.log(`${out}: ${outputFiles.length} files, ${(total / 1024).toFixed(1)} KB compressed`)
