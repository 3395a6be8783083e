/** The stack as its pages have an operator deploy it: the lines to type, the files to write, the proxy in front. */
import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import type { Lab } from '../../../lab/lab.ts'
import { startNginx } from '../../../lab/programs/nginx.ts'
import { blockBelow, blocksBelow } from '../../support/pages.ts'
import { buildArgs, repository } from '../../support/product-image.ts'
import { policyLabels } from '../../support/services.ts'

const { version } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')) as { version: string }
/** The name that every text gives the image. */
export const image = `orrery:${version}`
export const OPERATIONS = 'docs/operations.md'
export const WHY = 'docs/why-did-it-not-scale.md'

/** Steps one after another for as long as controllers are replaced. */
export const roomy = policyLabels({ 'autoscaler.max': '100000' })

/** What a lab without network needs on top. */
export const offline = (line: string) => line.replace('stack deploy', 'stack deploy --resolve-image never')
export const withBuildArgs = (line: string) => {
  const args = Object.entries(buildArgs).map(([name, value]) => `--build-arg ${name}=${value}`)
  return line.replace('docker build', ['docker build --progress=plain', ...args].join(' '))
}

/** The commands that the stack file's own comment gives. */
export async function documentedLines(): Promise<{
  build: string
  tokens: string
  deploy: string
  withNetwork: string
}> {
  const text = await readFile(join(repository, 'docker-compose.yml'), 'utf8')
  const [build, tokens, deploy, withNetwork, ...more] = text.match(/^# {3}\S.*$/gm)?.map((line) => line.slice(4)) ?? []
  if (
    build === undefined ||
    tokens === undefined ||
    deploy === undefined ||
    withNetwork === undefined ||
    more.length > 0
  )
    throw new Error('the stack file documents three lines, and one more for networks')
  return { build: withBuildArgs(build), tokens, deploy: offline(deploy), withNetwork: offline(withNetwork) }
}

/** What the lines are typed in: as a checkout, but that no file of it is the repository's own. */
export async function checkout(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-checkout-'))
  for (const entry of ['docker-compose.yml', 'docker-compose.autoscaling.yml', 'scripts', 'networks'])
    await cp(join(repository, entry), join(folder, entry), { recursive: true })
  const definition = blockBelow('README.md', 'Quick start: containers on your LAN', 'yaml')
  await writeFile(join(folder, 'networks/vlan40.yaml'), definition)
  await writeFile(join(folder, 'tls.yml'), blockBelow(OPERATIONS, 'TLS', 'yaml'))
  return folder
}

/** The service of the README's first lines, on the hosts' network. */
export function shopStack(): string {
  const { services } = parse(blockBelow('README.md', 'Orrery', 'yaml'))
  const { web } = services
  Object.assign(web, { image: 'orrery-lab/web:good', command: ['sleep', '1000000'], networks: ['host'] })
  Object.assign(web.deploy, { replicas: 2, endpoint_mode: 'dnsrr' })
  return stringify({ version: '3.8', services, networks: { host: { external: true, name: 'host' } } })
}

/** nginx as the page has it. `files`: the folder with its certificate, where it ends TLS and the controllers speak it too. */
export async function documentedProxy(lab: Lab, files?: string): Promise<Awaited<ReturnType<typeof startNginx>>> {
  const [plain = ''] = blocksBelow('docs/reverse-proxy.md', 'Behind a reverse proxy', 'nginx')
  const ends = blocksBelow('docs/reverse-proxy.md', 'TLS', 'nginx').join('')
  const http = plain.replace(/manager([123])/g, (_, one) => lab.managers[Number(one) - 1]?.address ?? '')
  if (files === undefined) return await startNginx(lab, { http, port: 80 })
  const secured = http.replace('listen 80;', ends).replaceAll('proxy_pass http:', 'proxy_pass https:')
  const nginx = await startNginx(lab, { http: secured.replaceAll('/etc/nginx/', `${files}/`), port: 443 })
  return { ...nginx, url: nginx.url.replace('http:', 'https:') }
}

/** How many an ordinary configuration loses depends on where it is when a controller stops: for comparison. */
export async function ordinaryProxy(lab: Lab) {
  const servers = lab.managers.map(({ address }) => `server ${address}:8000;`).join('\n')
  const http = `upstream orrery {\n${servers}\n} server { listen 81; location / { proxy_pass http://orrery; } }`
  return await startNginx(lab, { http, port: 81 })
}
