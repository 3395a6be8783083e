/** What the test of identities runs on nodes: programs of a few lines, for `node -e`, with the node's own files at hand. */
import type { SwarmIdentity } from '../../../src/swarm/identity.ts'

export const CERTIFICATES = '/var/lib/docker/swarm/certificates'

/** Beside the controller: looks until each node has reported after that moment, or the time is over. Prints what it took, ms. */
export const LOOK = `
const [url, token, sinceMs, withinMs, ...ids] = process.argv.slice(1)
const headers = { authorization: 'Bearer ' + token }
const at = async (id) => {
  const answer = await fetch(url + '/v1/node/' + id, { headers }).catch(() => undefined)
  return Date.parse((await answer?.json().catch(() => undefined))?.agent?.reportedAt ?? '')
}
const startedAtMs = Date.now()
let times = []
while (Date.now() - startedAtMs < Number(withinMs)) {
  times = await Promise.all(ids.map(at))
  if (times.every((time) => time > Number(sinceMs))) {
    console.log(Date.now() - Number(sinceMs))
    process.exit(0)
  }
  await new Promise((resolve) => setTimeout(resolve, 100))
}
console.log('not heard', times)
process.exit(1)
`

/** Sent as a program on the node can send it: with that node's own files, whatever is said. */
export const SEND = `
const [url, path, body, bearer, withCertificate] = process.argv.slice(1)
const { readFileSync } = require('node:fs')
const read = (name) => readFileSync('${CERTIFICATES}/' + name, 'utf8')
const key = () => read('swarm-node.key').replace(/^(-----BEGIN [^\\n]*-----\\n)(?:[^\\n:]+:[^\\n]*\\n(?:[ \\t]+[^\\n]*\\n)*)+\\n/m, '$1')
const shown = withCertificate === 'yes' ? { cert: read('swarm-node.crt'), key: key() } : {}
const { request } = require(url.startsWith('https') ? 'node:https' : 'node:http')
const headers = { 'content-type': 'application/json', ...(bearer && { authorization: 'Bearer ' + bearer }) }
const call = request(url + path, { method: 'PUT', headers, rejectUnauthorized: false, ...shown }, (answer) => {
  answer.resume().on('end', () => console.log(answer.statusCode))
})
call.on('error', (error) => console.log(error.code))
call.end(body)
`

/** At a manager's address, as far as the agent can tell: it wants everything, of the highest revision there can be. */
export const rogueProgram = (nodeId: string, { cert, key }: Pick<SwarmIdentity, 'cert' | 'key'>) => `
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
const read = (name) => readFileSync('${CERTIFICATES}/' + name, 'utf8')
const bare = (pem) => pem.replace(/^(-----BEGIN [^\\n]*-----\\n)(?:[^\\n:]+:[^\\n]*\\n(?:[ \\t]+[^\\n]*\\n)*)+\\n/m, '$1')
const wanted = { v: 1, nodeId: '${nodeId}', revision: 9007199254740991, networks: [] }
const answer = (request, response) => {
  console.log(request.method)
  response.end(JSON.stringify(wanted))
}
createServer({ cert: read('swarm-node.crt'), key: bare(read('swarm-node.key')) }, answer).listen(9001)
createServer(${JSON.stringify({ cert, key })}, answer).listen(9002, () => console.log('listening'))
`
