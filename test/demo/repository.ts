import { join } from 'node:path'

export const repository = join(import.meta.dirname, '../..')
/** The built program. */
export const mainFile = join(repository, 'dist/main.js')
