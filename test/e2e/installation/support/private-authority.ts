/** An authority as a company has one, and certificates of it, as files: made with openssl, as an operator would. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

export interface PrivateAuthority {
  /** PEM. */
  readonly ca: string
  /** `<name>.pem` and `<name>.key` in the folder, for these names, as `DNS:orrery.example` or `IP:127.0.0.1`. */
  issue(name: string, names: readonly string[]): Promise<void>
}

/** `our-ca.pem` in the folder. */
export async function privateAuthority(folder: string): Promise<PrivateAuthority> {
  const [ca, caKey] = [join(folder, 'our-ca.pem'), join(folder, 'our-ca.key')]
  await run('openssl', ['req', '-x509', ...KEY, '-days', '30', '-subj', '/CN=our own', '-keyout', caKey, '-out', ca])
  return {
    ca: await readFile(ca, 'utf8'),
    async issue(name, names) {
      const [key, pem] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)]
      const by = ['-CA', ca, '-CAkey', caKey, '-days', '30']
      const of = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${names.join(',')}`]
      const not = ['-addext', 'basicConstraints=critical,CA:FALSE']
      await run('openssl', ['req', '-x509', ...by, ...KEY, ...of, ...not, '-keyout', key, '-out', pem])
    },
  }
}
