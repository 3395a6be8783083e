/** The week of an autoscaler: its windows as written, and the bounds that come of them. */
import { type Static, Type } from '@sinclair/typebox'
import type { Week } from '../../autoscaling/autoscaler.ts'
import { withoutUndefined } from '../../foundation/without-undefined.ts'
import { integerOrNull, rfc3339, Time } from './parts.ts'

const Window = Type.Object({
  name: Type.String({ description: '`night` of `autoscaler.schedule.night.from`.' }),
  from: Type.String({ description: 'The cron expression that opens it.' }),
  to: Type.Optional(Type.String({ description: 'The one that closes it.' })),
  for: Type.Optional(Type.String({ description: 'Or how long it is open.' })),
  tz: Type.String(),
  min: Type.Optional(Type.Integer()),
  max: Type.Optional(Type.Integer()),
})

export const WeekSchema = Type.Object({
  autoscaler: Type.String(),
  service: Type.String(),
  now: Time,
  tz: Type.String({ description: 'Whose midnight `from` is: the zone of all windows, UTC where they have several.' }),
  from: Time,
  until: Type.String({ description: 'Seven days later; earlier where `cut` is true. RFC 3339, UTC.' }),
  windows: Type.Array(Window, { description: 'As written.' }),
  stretches: Type.Array(
    Type.Object({
      from: Time,
      until: Time,
      min: Type.Integer(),
      max: integerOrNull('null: no maximum is known.'),
      source: Type.String({ description: '`policy`, or the windows that are open: `schedule.night`.' }),
    }),
    { description: 'One after another without gaps; `from` belongs to it, `until` does not.' },
  ),
  cut: Type.Boolean({ description: 'There are more than 500 stretches: the list ends before the week does.' }),
})

export type WireWeek = Static<typeof WeekSchema>

export function wireWeek({ observation, reading, nowMs, zone, fromMs, untilMs, stretches, isCut }: Week): WireWeek {
  return {
    autoscaler: reading.name,
    service: observation.name,
    now: rfc3339(nowMs),
    tz: zone,
    from: rfc3339(fromMs),
    until: rfc3339(untilMs),
    windows: (reading.policy?.schedules ?? []).map(({ name, min, max, from }) => {
      const written = (field: string) => reading.fields[`schedule.${name}.${field}`]?.value
      return {
        ...{ name, from: written('from') ?? '', tz: from.zone.name },
        ...withoutUndefined({ to: written('to'), for: written('for'), min, max }),
      }
    }),
    stretches: stretches.map(({ fromMs: startMs, untilMs: endMs, bounds: { min, max, source } }) => ({
      ...{ from: rfc3339(startMs), until: rfc3339(endMs), min, max, source },
    })),
    cut: isCut,
  }
}
