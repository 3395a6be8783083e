/** What went wrong with a host, as a report says it. */
export type HostFaultCode =
  /** There is no iproute2. */
  | 'ip-missing'
  /** NET_ADMIN, or the host's network, is missing. */
  | 'not-permitted'
  /** The kernel does not know this kind of link. */
  | 'kind-unknown'
  /** Something else has the link, or its place. */
  | 'busy'
  | 'host-failed'

export class HostFault extends Error {
  override readonly name = 'HostFault'
  readonly code: HostFaultCode

  /** `message`: a sentence for a person. */
  constructor(code: HostFaultCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
  }
}
