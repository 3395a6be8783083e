/** What the API says, as far as the dashboard shows it (docs/http-api.md). Types only. */

export type Role = 'none' | 'read' | 'scale' | 'admin'
export type Direction = 'up' | 'down'

export interface Pause {
  readonly direction: Direction | 'both'
  readonly since: string
  readonly until?: string
  readonly reason?: string
  readonly by?: string
}

export interface LastChange {
  readonly at: string
  readonly from: number
  readonly to: number
  readonly cause: string
}

/** A row of `GET /v1/autoscaler?view=summary`. */
export interface Summary {
  readonly name: string
  readonly service: string
  readonly stack?: string
  readonly replicas: number
  readonly running?: number | null
  readonly min?: number
  readonly max?: number | null
  /** The worst condition; absent: nothing is wrong. */
  readonly attention?: { readonly type: string; readonly reason: string; readonly severity: 'error' | 'warning' }
  readonly pause?: Pause
  readonly nextAllowed: { readonly up?: string; readonly down?: string }
  readonly lastChange?: LastChange
  readonly lastOutcome?: string
  readonly lastCode?: string
  readonly lastReason?: string
  readonly lastAt?: string
  readonly dryRun?: boolean
  readonly rollout?: string
}

export interface Controller {
  readonly id: string
  readonly version: string
  readonly hostname: string
  readonly now: string
  readonly engine: string
  readonly dryRun: boolean
  readonly sync: { readonly inSync: boolean; readonly reason: string }
  readonly access: { readonly mode: 'open' | 'token'; readonly role: Role; readonly name?: string }
  readonly ui: 'on' | 'read' | 'off'
  readonly features: Readonly<Record<string, boolean>>
}

export interface Limit {
  readonly stage: string
  readonly before: number
  readonly after: number
  readonly reason: string
}

export interface Decision {
  readonly id?: string
  readonly controller?: string
  readonly autoscaler: string
  readonly service: string
  readonly outcome: string
  readonly code?: string
  readonly reason: string
  readonly from: number
  readonly to: number
  readonly wanted: number
  readonly limits: readonly Limit[]
  readonly retryAt?: string
  readonly at: string
  readonly origin?: string
  readonly direction?: Direction
  readonly alerts?: readonly string[]
  readonly caller?: { readonly name?: string; readonly address?: string }
  readonly note?: string
}

export interface Stage {
  readonly stage: string
  readonly result: 'pass' | 'skip' | 'stop' | 'limit'
  readonly detail: string
}

export interface Explanation extends Decision {
  readonly stages: readonly Stage[]
}

export interface Condition {
  readonly type: string
  readonly status: boolean
  readonly reason: string
  readonly since: string
}

export interface Autoscaler {
  readonly name: string
  readonly service: string
  readonly policy: Readonly<Record<string, { readonly value: string; readonly source: string }>>
  readonly issues: readonly {
    readonly severity: 'error' | 'warning'
    readonly field: string
    readonly value?: string
    readonly message: string
  }[]
  readonly observation: { readonly replicas: number; readonly mode: string; readonly updateState?: string }
  readonly pause?: Pause
  readonly alerts: readonly { readonly name: string; readonly direction: Direction; readonly since: string }[]
  readonly conditions: readonly Condition[]
  readonly nextAllowed: { readonly up?: string; readonly down?: string }
  readonly bounds?: {
    readonly min: number
    readonly max: number | null
    readonly source?: string
    readonly until?: string
  }
  readonly decisions: readonly Decision[]
  /** Absent: no load is measured. */
  readonly load?: {
    readonly at: string
    readonly current: number
    readonly metrics: readonly {
      readonly name: string
      readonly value?: number
      readonly wanted?: number
      readonly missing?: string
      readonly fallback: boolean
      readonly reason: string
    }[]
    readonly counts?: { readonly raw: number; readonly window: number; readonly rate: number; readonly bounds: number }
    readonly windowDownSeconds: number
    readonly reason: string
  }
}

/** `GET /v1/autoscaler/<name>/schedule`. */
export interface Week {
  readonly now: string
  readonly tz: string
  readonly from: string
  readonly until: string
  readonly stretches: readonly {
    readonly from: string
    readonly until: string
    readonly min: number
    readonly max: number | null
    readonly source: string
  }[]
  readonly cut: boolean
}

export interface Registration {
  readonly id: string
  readonly state: string
  readonly reason?: string
  readonly name: string
  readonly service: string
  readonly node: string
  readonly address: string
  readonly port: number
  readonly tags: readonly string[]
}

/** `GET /v1/registration`. */
export interface Registrations {
  readonly mode: string
  readonly role: string
  readonly consul: string
  readonly lastSync?: { readonly at: string }
  readonly conditions: readonly Condition[]
  readonly registrations: readonly Registration[]
  readonly issues: readonly {
    readonly service: string
    readonly key: string
    readonly message: string
    readonly effect: string
  }[]
}

export interface Task {
  readonly id: string
  readonly service?: string
  readonly slot?: number
  readonly node?: { readonly id: string; readonly hostname?: string }
  readonly desiredState: string
  readonly state: string
  readonly since?: string
  readonly error?: string
  readonly addresses?: readonly string[]
  readonly cpuPercent?: number
  readonly memoryBytes?: number
}

export interface HistoryPoint {
  readonly at: string
  readonly replicas: number
  readonly min?: number
  readonly max?: number | null
  readonly by: string
  readonly cause?: string
}

export interface Share {
  readonly network: string
  readonly nodeId: string
  readonly hostname: string
  readonly range: string
  readonly parent: string
  readonly shim?: string
  readonly usable: number
  readonly used: number | null
  readonly free: number | null
  readonly ready: boolean
  readonly asWanted: boolean | null
  readonly faults: readonly { readonly code: string; readonly message: string }[]
  readonly change?: string
  readonly addresses: readonly {
    readonly address?: string
    readonly address6?: string
    readonly use: string
    readonly containerName?: string
    readonly taskName?: string
    readonly serviceName?: string
  }[]
}

export interface Network {
  readonly name: string
  readonly inForce: boolean
  readonly usable: number
  readonly used: number | null
  readonly free: number | null
  readonly definition: { readonly subnet?: string; readonly gateway?: string; readonly parent?: string }
  readonly conditions: readonly Condition[]
  readonly issues: readonly {
    readonly file: string
    readonly field?: string
    readonly level: 'error' | 'warning'
    readonly message: string
  }[]
  readonly nodes: readonly Share[]
  readonly freed: readonly { readonly range: string; readonly hostname: string; readonly givenAgainFrom: string }[]
  readonly pending: readonly string[]
}

export interface SwarmNode {
  readonly id: string
  readonly hostname: string
  readonly role: string
  readonly state: string
  readonly availability: string
  readonly cpus?: number
  readonly memoryBytes?: number
  readonly manager?: { readonly leader: boolean; readonly reachability: string }
  readonly load?: { readonly cpuPercent?: number; readonly memoryBytes?: number }
  readonly agent: { readonly heard: boolean; readonly faults: readonly { readonly message: string }[] }
  readonly networks: readonly Share[]
}

/** A row of `GET /v1/service`. */
export interface Service {
  readonly name: string
  readonly stack?: string
  readonly mode: string
  readonly replicas?: number
  readonly running?: number | null
  readonly autoscaler?: string
  /** Why it has none, and the labels that would change it. */
  readonly reason?: string
  readonly labels?: Readonly<Record<string, string>>
}
