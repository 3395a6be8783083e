/**
 * The files of docs/examples/grafana. Grafana cannot be run here, so they are held against the shapes in its source:
 * the structs of pkg/services/provisioning/alerting (files, rules, contact points), definition.Route (policies), and
 * receivers/webhook/v1 of grafana/alerting (the webhook's settings).
 */
import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { read } from './markdown.ts'

/** Grafana's own reader drops a field that it does not know, and nobody hears of it. */
const strict = { additionalProperties: false }
const Duration = Type.String({ pattern: '^([0-9]+(ms|s|m|h|d|w|y))+$' })
const Text = Type.String({ minLength: 1 })
const optional = Type.Optional

const WebhookSettings = Type.Object(
  {
    url: Type.String({ pattern: '^https?://' }),
    httpMethod: optional(Type.Union([Type.Literal('POST'), Type.Literal('PUT')])),
    maxAlerts: optional(Type.Union([Type.Integer(), Type.String({ pattern: '^[0-9]+$' })])),
    username: optional(Text),
    password: optional(Text),
    authorization_scheme: optional(Text),
    authorization_credentials: optional(Text),
    headers: optional(Type.Record(Type.String(), Type.String())),
    title: optional(Text),
    message: optional(Text),
    hmacConfig: optional(
      Type.Object({ secret: Text, header: optional(Text), timestampHeader: optional(Text) }, strict),
    ),
  },
  strict,
)

const ContactPoints = Type.Object(
  {
    apiVersion: Type.Literal(1),
    contactPoints: Type.Array(
      Type.Object(
        {
          orgId: Type.Integer({ minimum: 1 }),
          name: Text,
          receivers: Type.Array(
            Type.Object(
              {
                uid: Type.String({ pattern: '^[A-Za-z0-9_-]{1,40}$' }),
                type: Type.Literal('webhook'),
                disableResolveMessage: optional(Type.Boolean()),
                settings: WebhookSettings,
              },
              strict,
            ),
          ),
        },
        strict,
      ),
    ),
  },
  strict,
)

const Query = Type.Object(
  {
    refId: Text,
    queryType: optional(Type.String()),
    relativeTimeRange: Type.Object({ from: Type.Integer(), to: Type.Integer() }, strict),
    datasourceUid: Text,
    model: Type.Object({ refId: Text, expr: optional(Text), type: optional(Text), expression: optional(Text) }),
  },
  strict,
)

const Rules = Type.Object(
  {
    apiVersion: Type.Literal(1),
    groups: Type.Array(
      Type.Object(
        {
          orgId: Type.Integer({ minimum: 1 }),
          name: Text,
          folder: Text,
          interval: Duration,
          rules: Type.Array(
            Type.Object(
              {
                uid: Type.String({ pattern: '^[A-Za-z0-9_-]{1,40}$' }),
                title: Text,
                condition: Text,
                data: Type.Array(Query, { minItems: 1 }),
                for: optional(Duration),
                keepFiringFor: optional(Duration),
                noDataState: optional(
                  Type.Union(['Alerting', 'NoData', 'OK', 'KeepLast'].map((one) => Type.Literal(one))),
                ),
                execErrState: optional(
                  Type.Union(['Alerting', 'Error', 'OK', 'KeepLast'].map((one) => Type.Literal(one))),
                ),
                labels: Type.Record(Type.String(), Type.String()),
                annotations: Type.Record(Type.String(), Type.String()),
                isPaused: optional(Type.Boolean()),
              },
              strict,
            ),
          ),
        },
        strict,
      ),
    ),
  },
  strict,
)

const timing = {
  group_by: optional(Type.Array(Text)),
  group_wait: optional(Duration),
  group_interval: optional(Duration),
  repeat_interval: optional(Duration),
}
const operator = Type.Union(['=', '!=', '=~', '!~'].map((one) => Type.Literal(one)))
const Route = Type.Object(
  {
    receiver: Text,
    object_matchers: Type.Array(Type.Tuple([Text, operator, Text])),
    continue: optional(Type.Boolean()),
    ...timing,
  },
  strict,
)
const Policies = Type.Object(
  {
    apiVersion: Type.Literal(1),
    policies: Type.Array(
      Type.Object(
        { orgId: Type.Integer({ minimum: 1 }), receiver: Text, ...timing, routes: Type.Array(Route) },
        strict,
      ),
    ),
  },
  strict,
)

function shipped<S extends TSchema>(file: string, schema: S): { wrong: string[]; value: Static<S> } {
  const value: unknown = parse(read(`docs/examples/grafana/${file}`))
  const wrong = [...Value.Errors(schema, value)].map(({ path, message }) => `${path}: ${message}`)
  return { wrong, value: value as Static<S> }
}
const contactPoints = shipped('contact-points.yaml', ContactPoints)
const rules = shipped('alert-rules.yaml', Rules)
const policies = shipped('notification-policies.yaml', Policies)
const everyRule = rules.value.groups.flatMap((group) => group.rules)
const routes = policies.value.policies.flatMap((policy) => policy.routes)
const webhooks = contactPoints.value.contactPoints.flatMap((point) => point.receivers.map(({ settings }) => settings))

describe("Grafana's example files", () => {
  it.each([
    ['contact-points.yaml', contactPoints.wrong],
    ['alert-rules.yaml', rules.wrong],
    ['notification-policies.yaml', policies.wrong],
  ])('%s has the shape that Grafana reads', (_, wrong) => {
    expect(wrong).toEqual([])
  })

  it('a field that Grafana does not know would be noticed', () => {
    const settings = { url: 'http://orrery:8000', hmac: { secret: 'x' } }
    expect(Value.Check(WebhookSettings, settings)).toBe(false)
  })

  it('the contact point calls the route for Grafana, with one credential and no secret of its own', () => {
    expect(webhooks).toHaveLength(1)
    for (const { url, hmacConfig, authorization_credentials, password } of webhooks) {
      expect(new URL(url).pathname).toBe('/v1/webhook/grafana')
      const secrets = [hmacConfig?.secret, authorization_credentials, password].filter((one) => one !== undefined)
      expect(secrets).toEqual([expect.stringMatching(/^\$[A-Z_]+$/)])
    }
  })

  it('alerts say what they are for, and reach the contact point', () => {
    const names = contactPoints.value.contactPoints.map(({ name }) => name)
    expect(routes.map(({ receiver }) => receiver)).toEqual(names)
    expect(everyRule.map(({ labels }) => labels.scale)).toEqual(['up', 'down'])
    for (const { title, labels } of everyRule) {
      expect(routes.some((route) => isRouted(route, { alertname: title, ...labels }))).toBe(true)
    }
  })

  it('that a query fails is told to people, not to Orrery', () => {
    for (const alertname of ['DatasourceNoData', 'DatasourceError']) {
      expect(routes.some((route) => isRouted(route, { alertname, scale: 'up' }))).toBe(false)
    }
  })

  it('groups are those of the rules: a service, a direction', () => {
    for (const { group_by } of routes) expect(group_by).toEqual(['service', 'scale'])
    const queries = everyRule.flatMap(({ data }) => data.flatMap(({ model }) => model.expr ?? []))
    expect(queries).toHaveLength(everyRule.length)
    for (const query of queries) expect(query).toContain('by (service)')
  })

  it('conditions and expressions name queries of their own rule', () => {
    for (const { condition, data } of everyRule) {
      const names = data.map(({ refId }) => refId)
      expect(data.map(({ model }) => model.refId)).toEqual(names)
      expect(names).toContain(condition)
      for (const { model } of data) if (model.expression !== undefined) expect(names).toContain(model.expression)
    }
  })

  it('groups of rules are evaluated at a multiple of 10 s, which is all that Grafana takes', () => {
    for (const { interval } of rules.value.groups) {
      expect(interval).toMatch(/^\d+s$/)
      expect(Number.parseInt(interval, 10) % 10).toBe(0)
    }
  })

  it('no dollar sign is in a label or a policy but for variables: Grafana would replace it', () => {
    const labels = JSON.stringify([everyRule.map((rule) => rule.labels), policies.value])
    expect(labels).not.toContain('$')
  })
})

/** As Alertmanager matches, and Grafana with it: whole values, and an absent label is empty. */
function isRouted(route: Static<typeof Route>, labels: Readonly<Record<string, string>>): boolean {
  return route.object_matchers.every(([name, how, wanted]) => {
    const value = labels[name] ?? ''
    const isMatch = how.endsWith('~') ? new RegExp(`^(?:${wanted})$`).test(value) : value === wanted
    return isMatch !== how.startsWith('!')
  })
}
