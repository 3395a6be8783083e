/** What a command may touch of the process. */
export interface Console {
  readonly version: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** A person sits at both ends of the process. */
  readonly isTerminal: boolean
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** `stop` runs at SIGTERM, SIGINT or an uncaught error; the process ends after it. */
  readonly onStop: (stop: (why: { readonly signal?: string; readonly err?: Error }) => Promise<void>) => void
}

/** 0: done, or nothing to do. 1: refused or failed. 2: the command line is wrong. */
export type ExitCode = 0 | 1 | 2

/** Starts what a command does, for commander to call. */
export type Run = <Args extends unknown[]>(
  command: (...given: Args) => Promise<ExitCode>,
) => (...given: Args) => Promise<void>
