import type { Logger } from './logger.ts'

export type Unsubscribe = () => void

/** Listeners of one kind of news. One that throws is logged and stops neither the others nor the teller. */
export interface Listeners<News> {
  readonly add: (listener: (news: News) => void) => Unsubscribe
  readonly tell: (news: News) => void
}

export function createListeners<News>(logger: Logger): Listeners<News> {
  const listeners = new Set<(news: News) => void>()
  return {
    add(listener) {
      // A wrapper of its own, so that one function added twice is two listeners.
      const added = (news: News) => listener(news)
      listeners.add(added)
      return () => {
        listeners.delete(added)
      }
    },
    tell(news) {
      for (const listener of [...listeners]) {
        try {
          listener(news)
        } catch (error) {
          logger.error({ event: 'listener-failed', err: error }, 'a listener failed')
        }
      }
    },
  }
}
