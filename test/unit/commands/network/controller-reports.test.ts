import { describe, expect, it, onTestFinished } from 'vitest'
import type { Answer, Call } from '../../../../src/commands/controller-client.ts'
import { askForReports } from '../../../../src/commands/network/controller-reports.ts'
import { aContainer, aNode, aReport, fakeNetworks } from '../../../support/builders/network-views.ts'
import { T0 } from '../../../support/use-cases/fake-use-cases.ts'
import { server } from '../../../support/use-cases/http.ts'

/** A real server behind the call, without a socket. */
const controllerWith = (nodes: Parameters<typeof fakeNetworks>[1], answers: (Answer | Error)[] = []) => {
  const app = server({ networks: fakeNetworks([], nodes), now: () => T0 + 4000 })
  return async ({ path, query = {} }: Call): Promise<Answer> => {
    const next = answers.shift()
    if (next instanceof Error) throw next
    if (next !== undefined) return next
    const { statusCode, body } = await app.inject({
      url: path,
      query: Object.fromEntries(Object.entries(query).map(([name, value]) => [name, value ?? ''])),
    })
    return { status: statusCode, text: body }
  }
}
const ask = async (call: (call: Call) => Promise<Answer>, nowMs = T0) => {
  const reports = await askForReports({ call, now: () => nowMs, askEveryMs: 5 })
  onTestFinished(() => reports.close())
  return reports
}

describe('the reports that a controller has', () => {
  it('come as agents sent them, and as old as they are by the controller’s clock', async () => {
    const report = aReport({ containers: [aContainer('172.80.2.1')] })
    const anHourAhead = T0 + 3_600_000
    const reports = await ask(controllerWith([aNode({ report })]), anHourAhead)
    expect(reports.get('node-1')).toEqual({ report, receivedAtMs: anHourAhead - 4000 })
    expect(reports.list()).toHaveLength(1)
    expect(reports.unheard()).toBeUndefined()
  })

  it('leave out agents that were never heard, and reports of a kind that is not known', async () => {
    const never = aNode({ id: 'node-2', agent: { isHeard: false, faults: [] } })
    const other = { ...aReport(), v: 2 as unknown as 1 }
    const reports = await ask(controllerWith([never, aNode({ report: other })]))
    expect(reports.list()).toEqual([])
  })

  const silences: { name: string; answer: Answer | Error; reason: RegExp; isThere: boolean; passes?: true }[] = [
    {
      name: 'nobody answers',
      answer: new Error('no controller answers at x'),
      reason: /^no controller answers at x$/,
      isThere: false,
    },
    {
      name: 'a token is wanted',
      answer: { status: 401, text: '{"code":"no-credential","detail":"send a token"}' },
      reason: /^no-credential: send a token$/,
      isThere: true,
    },
    {
      name: 'it has just started',
      answer: { status: 503, text: '{"code":"not-in-sync","detail":"all services are being read"}' },
      reason: /^not-in-sync: all services are being read$/,
      isThere: true,
      passes: true,
    },
  ]
  it.each(silences)('are unknown when $name', async ({ answer, reason, isThere, passes }) => {
    const reports = await ask(controllerWith([], [answer, answer, answer]))
    expect(reports.unheard()).toEqual({ reason: expect.stringMatching(reason), isThere, ...(passes && { passes }) })
    expect(reports.list()).toEqual([])
  })

  it('are asked for again and again, until it is closed', async () => {
    const reports = await ask(controllerWith([aNode()], [new Error('not yet')]))
    expect(reports.unheard()).toBeDefined()
    await new Promise<void>((resolve) => {
      reports.onChange(() => reports.unheard() === undefined && resolve())
    })
    expect(reports.list()).toHaveLength(1)
    await reports.close()
  })
})
