/** The fields of a network definition. The one list; networks/README.md is checked against it. Pure. */

export interface DefinitionField {
  readonly name: string
  /** As the operator would write it, or in words what happens when it is absent. */
  readonly defaultText: string
}

const field = (name: string, defaultText: string): DefinitionField => ({ name, defaultText })

const NONE = '–'

export const DEFINITION_FIELDS: readonly DefinitionField[] = [
  field('name', 'required'),
  field('config', '<name>_config'),
  field('driver', 'macvlan'),
  field('parent', 'auto'),
  field('subnet', 'required'),
  field('gateway', NONE),
  field('pool', 'required, unless nodes are pinned'),
  field('range', 'required'),
  field('reserve', NONE),
  field('nodes', NONE),
  field('subnet6', NONE),
  field('gateway6', NONE),
  field('pool6', 'required with subnet6, unless nodes are pinned'),
  field('range6', 'required with subnet6'),
  field('reserve6', NONE),
  field('nodes6', NONE),
  field('edges', 'reserve'),
  field('shim', 'true'),
  field('onFault', 'report'),
]
