/** Decisions of all services as they are taken. */
import { useState } from 'preact/hooks'
import type { Decision } from '../api-types.ts'
import { DecisionTable } from '../parts/decisions.tsx'
import { Filter, More } from '../parts/ui.tsx'
import { controller, decisions, refine, route } from '../store.ts'

const MOST = 200

export function Log() {
  const { query } = route.value
  const [most, setMost] = useState(MOST)
  const [stopped, setStopped] = useState<readonly Decision[] | undefined>(undefined)
  const all = stopped ?? decisions.value
  const words = (query.q ?? '').toLowerCase().split(/\s+/).filter(Boolean)
  const found = all.filter(
    (one) =>
      (query.outcome === undefined || one.outcome === query.outcome) &&
      words.every((word) => `${one.autoscaler} ${one.reason} ${one.note ?? ''}`.toLowerCase().includes(word)),
  )
  return (
    <>
      <h1>Activity</h1>
      <p class="faint">
        Decisions of the controller on {controller.value?.hostname ?? '…'}; each controller remembers its own.
      </p>
      <div class="filters">
        <Filter />
        <label>
          Outcome{' '}
          <select
            value={query.outcome ?? ''}
            onChange={({ currentTarget }) => refine({ outcome: currentTarget.value })}
          >
            <option value="">all</option>
            {['scaled', 'held', 'unchanged', 'dry-run', 'invalid-policy', 'unsupported'].map((outcome) => (
              <option key={outcome}>{outcome}</option>
            ))}
          </select>
        </label>
        <button
          type="button"
          aria-pressed={stopped !== undefined}
          onClick={() => setStopped(stopped ? undefined : decisions.value)}
        >
          {stopped ? 'Go on' : 'Hold still'}
        </button>
        {stopped && <span class="faint">{decisions.value.length - stopped.length} newer</span>}
      </div>
      <DecisionTable decisions={found.slice(0, most)} withService />
      <More
        left={Math.max(0, found.length - most)}
        what="older decisions"
        onClick={() => setMost(Number.POSITIVE_INFINITY)}
      />
    </>
  )
}
