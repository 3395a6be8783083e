// The program of a service under load: each request to /work takes half a second, and /metrics tells how many are in
// flight. What it reports comes from the requests it is really sent, so more replicas have less each.
import { createServer } from 'node:http'

const WORK_MS = 500
let inFlight = 0
let served = 0

const routes = {
  '/work'(answer) {
    inFlight += 1
    const timer = setTimeout(() => answer.end('done\n'), WORK_MS)
    answer.on('close', () => {
      clearTimeout(timer)
      inFlight -= 1
      served += 1
    })
  },
  '/metrics'(answer) {
    answer.setHeader('content-type', 'text/plain; version=0.0.4')
    const gauge = `# TYPE http_requests_in_flight gauge\nhttp_requests_in_flight ${inFlight}\n`
    answer.end(`${gauge}# TYPE http_requests_total counter\nhttp_requests_total ${served}\n`)
  },
}

createServer(({ url = '/' }, answer) => {
  const route = routes[url]
  if (route) route(answer)
  else answer.writeHead(404).end()
}).listen(8080)
process.on('SIGTERM', () => process.exit(0))
