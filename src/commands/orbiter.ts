/** `orbiter autoscaler ls` and `orbiter system events`: print what a controller answers, as Orbiter's own client did. */
import { request } from 'undici'
import { loadConfig } from '../config/load.ts'
import type { Console, ExitCode } from './console.ts'
import { callController, controllerUrl, credential } from './controller-client.ts'

export async function orbiterList(io: Console): Promise<ExitCode> {
  const { orbiterHost } = loadConfig(io.env)
  const { status, text } = await callController(io, { path: '/v1/orbiter/autoscaler' }, orbiterHost)
  io.out(`${text}\n`)
  return status === 200 ? 0 : 1
}

/** Runs until the stream ends or the process does. */
export async function orbiterEvents(io: Console): Promise<ExitCode> {
  const config = loadConfig(io.env)
  const address = config.orbiterHost ?? config.url
  const headers = await credential(config, address)
  const { statusCode, body } = await request(controllerUrl(address, '/v1/orbiter/events'), { headers, bodyTimeout: 0 })
  for await (const chunk of body.setEncoding('utf8')) io.out(String(chunk))
  return statusCode === 200 ? 0 : 1
}
