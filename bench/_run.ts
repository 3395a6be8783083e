import { measureCrowd } from './crowd.ts'
console.log(JSON.stringify((await measureCrowd({ quick: true, progress: console.error, services: Number(process.argv[2]) })).map((f) => f.measured), null, 1))
