import { availableEngines, type EngineKind } from '../../lab/packages/engines.ts'

/** The engines that what depends on engine behaviour is shown on. If the newer one cannot be had, that is said, not hidden. */
export const engines: readonly EngineKind[] = (await availableEngines()).flatMap((found) => {
  if (!('missing' in found)) return [found.kind]
  if (found.kind === 'old') throw new Error(`no engine: ${found.missing}`)
  console.warn(`The newer engine cannot be had here, so these tests run on the older one alone: ${found.missing}`)
  return []
})
