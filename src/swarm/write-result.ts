/**
 * How a write to the Swarm ended: a compare-and-swap, a create or a remove.
 * `conflict`: somebody wrote first, nothing changed. `gone`: there is no such object. `rejected`: the engine refuses it for good.
 * `unsent`: it never reached an engine. `unknown`: no answer, it may take effect, now or later.
 */
export type WriteResult =
  | { readonly kind: 'committed' }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'rejected'; readonly message: string }
  | { readonly kind: 'unsent'; readonly message: string }
  | { readonly kind: 'unknown'; readonly message: string }
