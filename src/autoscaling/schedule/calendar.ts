/** The Gregorian calendar in whole days since 1970-01-01, which is 0 (H. Hinnant, "chrono-compatible low-level date algorithms"). Pure. */

export const DAY_MS = 86_400_000

export interface Day {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  readonly dayOfMonth: number
  /** 0 is Sunday. */
  readonly dayOfWeek: number
}

/** A cycle of 400 years, which begins in March so that 29 February ends a year. */
const ERA_DAYS = 146_097
const EPOCH_IN_ERAS = 719_468

export function dayOf(days: number): Day {
  const shifted = days + EPOCH_IN_ERAS
  const era = Math.floor(shifted / ERA_DAYS)
  const ofEra = shifted - era * ERA_DAYS
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  )
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const fromMarch = Math.floor((5 * ofYear + 2) / 153)
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    dayOfMonth: ofYear - Math.floor((153 * fromMarch + 2) / 5) + 1,
    dayOfWeek: (((days + 4) % 7) + 7) % 7,
  }
}

export function daysTo({ year, month, dayOfMonth }: Omit<Day, 'dayOfWeek'>): number {
  const marchYear = month <= 2 ? year - 1 : year
  const era = Math.floor(marchYear / 400)
  const yearOfEra = marchYear - era * 400
  const ofYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + dayOfMonth - 1
  const ofEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + ofYear
  return era * ERA_DAYS + ofEra - EPOCH_IN_ERAS
}

/** Ms since the epoch, UTC. */
export const startOfYearMs = (year: number): number => daysTo({ year, month: 1, dayOfMonth: 1 }) * DAY_MS
