/** The log: one JSON object a line, levels as words, times in UTC, and no secret. */
import { type DestinationStream, type Logger, pino } from 'pino'
import { visibleLines } from '../../foundation/visible-text.ts'

export interface LoggerOptions {
  /** A level of pino's. */
  readonly level: string
  /** Standard output unless a test wants to read it. */
  readonly destination?: DestinationStream
}

/** Last line of defence: nothing logs these on purpose. */
const SECRET_FIELDS = ['authorization', 'password', 'pass', 'secret', 'token', 'cookie']
const SECRET_HEADERS = ['authorization', 'cookie', 'x-orrery-token', 'x-grafana-alerting-signature']
const SECRET_PATHS = [
  ...SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
  ...SECRET_HEADERS.flatMap((header) => [`headers["${header}"]`, `*.headers["${header}"]`]),
]

export function createLogger({ level, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: {},
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: SECRET_PATHS, censor: '***' },
    serializers: { err: plainError },
    // JSON has no escapes of its own for C1 and bidi; whoever reads the log on a screen sees them.
    hooks: { streamWrite: visibleLines },
  }
  return destination ? pino(options, destination) : pino(options)
}

/** Only what an error is made of: clients of HTTP APIs hang whole requests, headers included, on theirs. */
function plainError(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: String(error) }
  const code = Reflect.get(error, 'code')
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' && { code }),
    stack: error.stack,
    ...(error.cause !== undefined && { cause: plainError(error.cause) }),
  }
}
