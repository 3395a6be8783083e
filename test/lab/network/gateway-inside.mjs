// gateway-inside.mjs: runs inside a node and is an HTTP proxy for whatever the node reaches. Prints its port.
import { createServer, request } from 'node:http'

const server = createServer((inward, answer) => {
  const { hostname, port, pathname, search } = new URL(inward.url ?? '')
  const options = { host: hostname, port, path: `${pathname}${search}`, method: inward.method, headers: inward.headers }
  const outward = request(options, (found) => {
    answer.writeHead(found.statusCode ?? 502, found.headers)
    found.pipe(answer)
  })
  outward.on('error', () => (answer.headersSent ? answer.destroy() : answer.writeHead(502).end()))
  answer.on('close', () => outward.destroy())
  inward.pipe(outward)
})
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`))
