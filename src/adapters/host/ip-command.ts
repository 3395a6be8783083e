/** Runs iproute2, one command at a time, and says what its failures mean. */
import { execFile } from 'node:child_process'
import { HostFault, type HostFaultCode } from '../../agent/plan/host.ts'
import { codeOf } from '../../foundation/errors.ts'

/** Its answer as it came. Throws HostFault. */
export type Ip = (args: readonly string[]) => Promise<string>

export interface IpOptions {
  /** Another program in tests. */
  readonly program?: string
  readonly timeoutMs?: number
}

/** Of many hundred links. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024
/** Its failures are told apart by their words, so these must not be translated. */
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }

export function createIp({ program = 'ip', timeoutMs = 5_000 }: IpOptions = {}): Ip {
  return (args) =>
    new Promise((resolve, reject) => {
      const options = { timeout: timeoutMs, maxBuffer: MAX_ANSWER_BYTES, env: ENVIRONMENT }
      execFile(program, [...args], options, (error, stdout, stderr) => {
        if (error === null) resolve(stdout)
        else reject(hostFault({ args, error, said: stderr.trim() }))
      })
    })
}

interface Failure {
  readonly args: readonly string[]
  readonly error: Error
  readonly said: string
}

const MEANINGS: readonly { readonly words: RegExp; readonly code: HostFaultCode; readonly remedy: string }[] = [
  {
    words: /BusyBox|invalid option/i,
    code: 'ip-missing',
    remedy: 'this is not the ip of iproute2, or one that is too old: install iproute2',
  },
  {
    words: /Operation not permitted|Permission denied/,
    code: 'not-permitted',
    remedy: 'the agent needs the capability NET_ADMIN and the network of the host',
  },
  {
    words: /Unknown device type|Operation not supported/,
    code: 'kind-unknown',
    remedy: 'the kernel of this host does not know that kind of link, and has no module for it',
  },
  {
    words: /resource busy/,
    code: 'busy',
    remedy:
      'something else has the link below: a bridge, a bond, or links of the other of macvlan and ipvlan, which cannot share it',
  },
]

function hostFault({ args, error, said }: Failure): HostFault {
  const call = `ip ${args.join(' ')}`
  if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EACCES') {
    const message = 'There is no program "ip" here that could be run: install iproute2.'
    return new HostFault('ip-missing', message, { cause: error })
  }
  if ('killed' in error && error.killed === true) {
    return new HostFault('host-failed', `"${call}" did not end in time.`, { cause: error })
  }
  const words = said === '' ? error.message : said
  const meaning = MEANINGS.find((each) => each.words.test(words))
  const [firstLine = ''] = words.split('\n')
  const reason = meaning === undefined ? firstLine : `${firstLine} (${meaning.remedy})`
  return new HostFault(meaning?.code ?? 'host-failed', `"${call}" failed: ${reason}`, { cause: error })
}

/** Of a removal: there is nothing to remove any more. */
export const isNothingThere = (error: unknown): boolean =>
  error instanceof HostFault && /Cannot find device|No such process|Cannot assign requested address/.test(error.message)
