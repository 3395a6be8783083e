// forward-inside.mjs <unix socket> <host> <port>: runs inside a node and carries what connects to the socket, which is
// reachable from outside, to a TCP port of the node.
import { connect, createServer } from 'node:net'

const [socketPath, host, port] = process.argv.slice(2)
const server = createServer((outside) => {
  const inside = connect(Number(port), host)
  outside.pipe(inside).pipe(outside)
  outside.on('error', () => inside.destroy()).on('close', () => inside.destroy())
  inside.on('error', () => outside.destroy()).on('close', () => outside.destroy())
})
server.listen(socketPath, () => console.log('ready'))
