/**
 * The engine dialled with dockerode's modem, which knows where it is, the version, the certificates and how a URL is written.
 * What it makes of a call is sent from here: its own way formats each request for a debug line, and its URL for a redirect,
 * before the first byte leaves, which takes a caller who waits as long as all that is decided for it. Nor is a redirect
 * followed: what an engine has to say it says itself.
 */
import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import https from 'node:https'
import type Modem from 'docker-modem'
import Docker from 'dockerode'

export interface Dialled {
  readonly method: string
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** JSON text. */
  readonly body?: string
  /** Called with the request before it is sent: who has it can end it. */
  readonly begun: (request: ClientRequest) => void
}

/** Resolves when the headers are there. Rejects with what Node says. */
export type Dial = (dialled: Dialled) => Promise<IncomingMessage>

interface Call extends Modem.DialOptions, Pick<Dialled, 'body' | 'begun'> {
  readonly answered: (answer: IncomingMessage) => void
  readonly failed: (error: unknown) => void
}

const NO_QUERY = {}
/** The modem has none to send then: as text it would take the name of a file for one, and parse any other. */
const NO_BODY = {}

export function createDial({ socketPath, ...options }: Docker.DockerOptions): Dial {
  // A socket is named below: the modem would have each call wait for a promise of it.
  const modem: Modem = new Docker({ ...options, socketPath: undefined }).modem
  const { request: open } = options.protocol === 'https' ? https : http

  const send = (made: RequestOptions, { body, begun, answered, failed }: Call) => {
    if (socketPath !== undefined) made.socketPath = socketPath
    try {
      const request = open(made)
      request.on('response', answered)
      request.on('error', failed)
      begun(request)
      request.end(body)
    } catch (error) {
      failed(error)
    }
  }
  Object.defineProperty(modem, 'buildRequest', { value: send })

  return ({ method, path, query, body, begun }) =>
    new Promise((answered, failed) => {
      const call: Call = {
        path: query === undefined ? path : `${path}?`,
        method,
        headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
        options: { _query: query ?? NO_QUERY, _body: NO_BODY },
        ...(body === undefined ? {} : { body }),
        begun,
        answered,
        failed,
      }
      modem.dial(call)
    })
}
