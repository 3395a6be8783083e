/** What a Swarm and its hosts have, by their own word: names of objects, labels, links, routes. For before and after. */
import type { Lab, LabNode } from '../../../lab/lab.ts'
import { present } from '../../support/lab-for-tests.ts'
import { nodeLabels } from '../../support/observed-networks.ts'

export async function everything(lab: Lab) {
  const first = present(lab.managers[0])
  const names = async (...args: readonly string[]) =>
    (await docker(first, ...args, '--format', '{{.Name}}')).split('\n').filter(Boolean).sort()
  const services = await first.api.listServices()
  const hosts = lab.nodes.map(async (node) => [node.hostname, await hostOf(node)] as const)
  return {
    swarmNetworks: (await names('network', 'ls', '--filter', 'scope=swarm')).filter((name) => name !== 'ingress'),
    configs: await names('config', 'ls'),
    secrets: await names('secret', 'ls'),
    nodeLabels: await nodeLabels(first),
    services: Object.fromEntries(services.map(({ Spec }) => [Spec?.Name, Spec?.Labels])),
    hosts: Object.fromEntries(await Promise.all(hosts)),
  }
}

async function hostOf(node: LabNode) {
  const local = await docker(node, 'network', 'ls', '--filter', 'scope=local', '--format', '{{.Name}} {{.Driver}}')
  // Of Docker's own bridges and of every container, links come and go.
  const links = JSON.parse(await said(node, ['ip', '-j', '-d', 'link'])) as { ifname: string; promiscuity: number }[]
  const kept = links.filter(({ ifname }) => !/^(veth|docker)/.test(ifname))
  const routes = (await said(node, ['ip', 'route'])).split('\n').filter((line) => !line.includes('docker'))
  return {
    networks: local.split('\n').sort(),
    volumes: await docker(node, 'volume', 'ls', '--quiet'),
    links: kept.map(({ ifname, promiscuity }) => `${ifname} ${promiscuity}`),
    routes: routes.sort(),
  }
}

const docker = (node: LabNode, ...args: readonly string[]) => said(node, ['docker', ...args])

const said = async (node: LabNode, argv: readonly string[]) => (await node.run(argv, { check: true })).stdout.trim()
