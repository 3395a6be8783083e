// The least that a Node program in between can cost: it takes a call, adds one to the count of a service that it has read
// before, passes the update on, answers, and reads the new version beside. `node pass-through.mjs <socket> <service id>`
import { Agent, createServer, request } from 'node:http'

const [, , socketPath, id] = process.argv
const agent = new Agent({ keepAlive: true })
const engine = (method, path, body = '') =>
  new Promise((resolve, reject) => {
    const headers = { host: 'engine', 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    request({ socketPath, agent, method, path, headers }, async (answer) => {
      const text = (await answer.setEncoding('utf8').toArray()).join('')
      if (answer.statusCode >= 300) reject(new Error(`${answer.statusCode} ${text}`))
      else resolve(text)
    })
      .on('error', reject)
      .end(body)
  })
const read = async () => JSON.parse(await engine('GET', `/services/${id}`))
let service = read()
const server = createServer(async (_call, answer) => {
  const { Version, Spec } = await service
  Spec.Mode.Replicated.Replicas += 1
  await engine('POST', `/services/${id}/update?version=${Version.Index}`, JSON.stringify(Spec))
  service = read()
  answer.end('{"outcome":"scaled"}')
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
