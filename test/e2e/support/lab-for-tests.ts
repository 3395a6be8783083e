import { afterAll, beforeAll } from 'vitest'
import type { Lab, LabNode } from '../../lab/lab.ts'
import { type LabOptions, startLab } from '../../lab/start-lab.ts'
import { endControllers, endControllersOf } from './controller.ts'

export interface LabForTests {
  readonly lab: Lab
  /** The first manager. */
  readonly manager: LabNode
}

/** Those that are up in this file. */
const labs = new Set<Lab>()

/**
 * A lab for the tests of the enclosing `describe` or file: up before them, and after them gone with its controllers; the last
 * takes every controller along.
 */
export function labForTests(options: LabOptions): LabForTests {
  let lab: Lab | undefined
  beforeAll(async () => {
    lab = await startLab(options)
    labs.add(lab)
  })
  afterAll(async () => {
    if (lab !== undefined) labs.delete(lab)
    if (labs.size === 0) endControllers()
    else endControllersOf(lab?.nodes ?? [])
    await lab?.down()
  })
  const started = () => {
    if (lab === undefined) throw new Error('the lab is not up yet')
    return lab
  }
  return {
    get lab() {
      return started()
    },
    get manager() {
      return present(started().managers[0])
    },
  }
}

/** What a lab of the size asked for has for certain. */
export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the lab has fewer nodes than the test wants')
  return value
}
