/** Every autoscaler: what it runs, what it may, why it stands where it stands. */
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { Summary } from '../api-types.ts'
import { href } from '../model/route.ts'
import { isIn, overview, statusOf, TILE_WORDS, TILES, type Tile } from '../model/rows.ts'
import { PauseAllButton, PauseButton, StepButtons } from '../parts/actions.tsx'
import { Badge, Empty, Filter, More, When, Wide } from '../parts/ui.tsx'
import { controller, nowMs, pauseOfAll, refine, roughlyNowMs, route, summaries } from '../store.ts'

/** Above this many rows the rest is counted until somebody asks for it. */
const MOST_ROWS = 300

export function Overview() {
  const [most, setMost] = useState(MOST_ROWS)
  const { query } = route.value
  const isWall = query.wall === '1'
  const rows = [...summaries.value.values()]
  const tile = TILES.find((name) => name === query.tile)
  const order = query.order === 'worst' || isWall ? 'worst' : 'name'
  const shown = overview(rows, {
    text: query.q ?? '',
    tile,
    order,
    most,
    nowMs: roughlyNowMs.value,
    ofAll: pauseOfAll.value,
  })
  return (
    <>
      <h1 class="unseen">Autoscalers</h1>
      <Tiles rows={rows} chosen={tile} />
      {!isWall && (
        <div class="filters">
          <Filter placeholder="name or stack, several words" />
          <label>
            Order{' '}
            <select
              value={order}
              onChange={({ currentTarget }) => refine({ order: currentTarget.value === 'worst' ? 'worst' : '' })}
            >
              <option value="name">by stack and name</option>
              <option value="worst">worst first</option>
            </select>
          </label>
          <span class="faint" aria-live="polite">
            {shown.count} of {rows.length}
          </span>
          {rows.length > 0 && <PauseAllButton />}
        </div>
      )}
      {rows.length === 0 ? <Nothing /> : shown.count === 0 && <Empty>Nothing matches the filter.</Empty>}
      {shown.groups.map(({ stack, rows: members }) => (
        <section key={stack}>
          {stack !== '' && <h2>{stack}</h2>}
          <Wide label={stack === '' ? 'Autoscalers' : `Stack ${stack}`}>
            <table class="rows">
              <thead>
                <tr>
                  <th scope="col">Autoscaler</th>
                  <th scope="col">Running</th>
                  <th scope="col">Bounds</th>
                  <th scope="col">Status</th>
                  <th scope="col">Last change</th>
                  {!isWall && <th scope="col">Act</th>}
                </tr>
              </thead>
              <tbody>{members.map((row) => drawn(row, isWall))}</tbody>
            </table>
          </Wide>
        </section>
      ))}
      <More left={shown.left} what="autoscalers" onClick={() => setMost(Number.POSITIVE_INFINITY)} />
    </>
  )
}

function Tiles({ rows, chosen }: { rows: readonly Summary[]; chosen: Tile | undefined }) {
  const tiles = TILES.filter((tile) => tile !== 'addresses' || controller.value?.features.networks)
  return (
    <fieldset class="tiles">
      <legend class="unseen">Show only</legend>
      {tiles.map((tile) => {
        const count = rows.filter((row) => isIn(tile, row, roughlyNowMs.value, pauseOfAll.value)).length
        return (
          <button
            type="button"
            key={tile}
            class={`tile is-${count > 0 ? tile : 'none'}`}
            aria-pressed={chosen === tile}
            onClick={() => refine({ tile: chosen === tile ? '' : tile })}
          >
            <b>{count}</b> {TILE_WORDS[tile]}
          </button>
        )
      })}
    </fieldset>
  )
}

const drawnBefore = { wall: new WeakMap<Summary, VNode>(), table: new WeakMap<Summary, VNode>() }

/** What is the same node as before is not drawn again: of a thousand rows mostly one has changed. */
function drawn(row: Summary, isWall: boolean): VNode {
  const known = drawnBefore[isWall ? 'wall' : 'table']
  const node = known.get(row) ?? <Row key={row.name} row={row} isWall={isWall} />
  known.set(row, node)
  return node
}

function Row({ row, isWall }: { row: Summary; isWall: boolean }) {
  const ofAll = pauseOfAll.value
  const ends = row.pause?.until ?? ofAll?.until ?? row.nextAllowed.up ?? row.nextAllowed.down
  const status = statusOf(row, ends === undefined ? nowMs.peek() : nowMs.value, ofAll)
  const { lastChange } = row
  return (
    <tr>
      <th scope="row">
        <a href={href('service', row.name)}>{row.name}</a>
      </th>
      <td class="number">
        {row.running ?? '–'} / {row.replicas}
      </td>
      <td>
        <Bounds row={row} />
      </td>
      <td>
        <Badge tone={status.tone}>{status.word}</Badge> <span class="why">{status.why}</span>
      </td>
      <td>
        {lastChange === undefined ? (
          <span class="faint">–</span>
        ) : (
          <>
            {lastChange.from} → {lastChange.to} <span class="faint">{lastChange.cause}</span>{' '}
            <When at={lastChange.at} />
          </>
        )}
      </td>
      {!isWall && (
        <td class="act">
          <StepButtons row={row} /> <PauseButton row={row} />
        </td>
      )}
    </tr>
  )
}

function Bounds({ row }: { row: Summary }) {
  const { min, max, replicas } = row
  if (min === undefined) return <span class="faint">–</span>
  if (max === null || max === undefined) return <>{min}–</>
  return (
    <span class="bounds">
      {min}
      <meter min={0} max={Math.max(max, 1)} value={replicas} aria-label={`${replicas} of at most ${max}`} />
      {max}
    </span>
  )
}

function Nothing() {
  return (
    <Empty>
      No service has a scaling policy yet. Give one to a service with the labels <code>autoscaler.enable=true</code> and{' '}
      <code>autoscaler.max=…</code>; <a href={href('nodes')}>the map</a> shows what runs.
    </Empty>
  )
}
