/** The map: a column a node, a chip a task. Above 50 nodes a table. */
import { useEffect, useState } from 'preact/hooks'
import { get } from '../api.ts'
import type { Service, SwarmNode, Task } from '../api-types.ts'
import { type Column, columns } from '../model/nodes.ts'
import { href } from '../model/route.ts'
import { bytes } from '../model/time.ts'
import { Badge, counted, Empty, More, useRead, Wide } from '../parts/ui.tsx'
import { refine, route, summaries } from '../store.ts'

const MOST_COLUMNS = 50
const MOST_CHIPS = 60
/** Who leads is known a moment after somebody asked first. */
const ASK_AGAIN_MS = 1500

export function Nodes() {
  const { query } = route.value
  const read = useRead(
    async () => {
      const [{ nodes }, { tasks }, { services }] = await Promise.all([
        get<{ nodes: SwarmNode[] }>('v1/node?addresses=false'),
        get<{ tasks: Task[] }>('v1/task'),
        get<{ services: Service[] }>('v1/service'),
      ])
      return { nodes, tasks, services }
    },
    'nodes',
    () => true,
  )
  const { data } = read
  const [most, setMost] = useState(MOST_CHIPS)
  const isLeaderKnown = data?.nodes.some(({ manager }) => manager !== undefined) ?? true
  useEffect(() => {
    if (isLeaderKnown) return
    const timer = setTimeout(read.again, ASK_AGAIN_MS)
    return () => clearTimeout(timer)
  }, [isLeaderKnown])
  if (data === undefined) return read.problem === '' ? <Empty>Reading…</Empty> : <p class="problem">{read.problem}</p>
  const chosen = query.service
  const tasks = chosen === undefined ? data.tasks : data.tasks.filter(({ service }) => service === chosen)
  return (
    <>
      <h1>Map</h1>
      <div class="filters">
        <label>
          Service{' '}
          <select value={chosen ?? ''} onChange={({ currentTarget }) => refine({ service: currentTarget.value })}>
            <option value="">all ({data.services.length})</option>
            {data.services.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <span class="faint">
          {counted(data.nodes.length, 'node')}, {counted(tasks.length, 'task')}
        </span>
      </div>
      {data.nodes.length > MOST_COLUMNS ? (
        <NodeTable nodes={data.nodes} tasks={tasks} />
      ) : (
        <div class="map">
          {columns(data.nodes, tasks, most).map((column) => (
            <NodeColumn key={column.node?.id ?? ''} column={column} showAll={() => setMost(Number.POSITIVE_INFINITY)} />
          ))}
        </div>
      )}
      <Unscaled services={data.services} />
    </>
  )
}

function NodeColumn({ column: { node, chips, left }, showAll }: { column: Column; showAll: () => void }) {
  return (
    <section class="column" aria-label={node?.hostname ?? 'Without a node'}>
      <h2>{node?.hostname ?? 'Without a node'}</h2>
      {node === undefined ? <p class="faint">Swarm has not placed these.</p> : <NodeHead node={node} />}
      <ul class="chips">
        {chips.map((chip) => (
          <li key={chip.id} class={`chip ${chip.tone} hue${chip.hue}`} title={`${chip.label}: ${chip.text}`}>
            {summaries.value.has(chip.service) ? <a href={href('service', chip.service)}>{chip.label}</a> : chip.label}
            {chip.tone !== 'ok' && <small> {chip.text}</small>}
          </li>
        ))}
      </ul>
      <More left={left} what="tasks" onClick={showAll} />
    </section>
  )
}

function NodeHead({ node }: { node: SwarmNode }) {
  const isUp = node.state === 'ready' && node.availability === 'active'
  return (
    <p>
      <Badge tone={isUp ? 'ok' : node.state === 'ready' ? 'warn' : 'bad'}>
        {node.state === 'ready' ? node.availability : node.state}
      </Badge>{' '}
      {roleOf(node)}
      {node.cpus !== undefined && (
        <span class="faint">
          {' '}
          {node.cpus} CPU, {bytes(node.memoryBytes)}
        </span>
      )}
      {node.load?.cpuPercent !== undefined && <span class="faint"> · {Math.round(node.load.cpuPercent)} % in use</span>}
      {node.networks.map((share) => (
        <span key={share.network} class="share">
          {share.network} {share.range}: {share.free ?? '?'} free
        </span>
      ))}
      {!node.agent.heard && node.networks.length > 0 && <span class="why bad"> its agent does not report</span>}
    </p>
  )
}

function roleOf({ role, manager }: SwarmNode) {
  if (manager === undefined) return role
  if (manager.leader) return <b>leader</b>
  return manager.reachability === 'reachable' ? (
    role
  ) : (
    <>
      {role} <Badge tone="bad">{manager.reachability}</Badge>
    </>
  )
}

function NodeTable({ nodes, tasks }: { nodes: readonly SwarmNode[]; tasks: readonly Task[] }) {
  return (
    <Wide label="Nodes">
      <table>
        <thead>
          <tr>
            <th scope="col">Node</th>
            <th scope="col">Role</th>
            <th scope="col">State</th>
            <th scope="col">Tasks</th>
            <th scope="col">In trouble</th>
          </tr>
        </thead>
        <tbody>
          {columns(nodes, tasks, Number.POSITIVE_INFINITY).map(({ node, chips }) => (
            <tr key={node?.id ?? ''}>
              <th scope="row">{node?.hostname ?? 'without a node'}</th>
              <td>{node && roleOf(node)}</td>
              <td>{node && `${node.state}, ${node.availability}`}</td>
              <td class="number">{chips.length}</td>
              <td class="number">{chips.filter(({ tone }) => tone === 'bad').length}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  )
}

/** Services without a policy, why, and what one would write. */
function Unscaled({ services }: { services: readonly Service[] }) {
  const without = services.filter(({ autoscaler }) => autoscaler === undefined)
  if (without.length === 0) return null
  return (
    <details>
      <summary>{counted(without.length, 'service')} without a scaling policy</summary>
      <Wide label="Services without a policy">
        <table>
          <thead>
            <tr>
              <th scope="col">Service</th>
              <th scope="col">Why</th>
              <th scope="col">Labels that change it</th>
            </tr>
          </thead>
          <tbody>
            {without.map(({ name, mode, reason, labels }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{reason ?? mode}</td>
                <td>
                  <code>
                    {Object.entries(labels ?? {})
                      .map(([label, value]) => `${label}: ${JSON.stringify(value)}`)
                      .join('  ')}
                  </code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </details>
  )
}
