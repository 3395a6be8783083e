/** The beginning of each second of the wall clock, by node-cron: edges of schedules and ticks fall on one. */
import cron from 'node-cron'
import type { Ticks } from '../../autoscaling/ports.ts'

export function createTicks(): Ticks {
  return {
    each(listener) {
      // A second that a busy process lets pass is no loss: whoever listens goes by the clock.
      const task = cron.schedule('* * * * * *', listener, { suppressMissedWarning: true })
      setImmediate(listener)
      return () => void task.destroy()
    },
  }
}
