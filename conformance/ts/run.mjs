// node run.mjs NODE_URL: the TypeScript SDK against a node. One line a case, as ../run.sh has it:
// PASS|FAIL|SKIP ts::case  # reason. CASE_FILTER is a regular expression over the names.
import { readdirSync } from 'node:fs'

process.env.NODE_URL = process.argv[2] ?? process.env.NODE_URL ?? ''
if (!process.env.NODE_URL) {
  console.error('usage: node run.mjs NODE_URL')
  process.exit(2)
}
// The SDK talks on standard output, where the verdicts go.
console.log = console.info = console.warn = console.error
// A broken connection must fail its case, not the run.
process.on('unhandledRejection', (error) => console.error('unhandled:', error))
process.on('uncaughtException', (error) => console.error('uncaught:', error))

const { cases, Skipped } = await import('./lib.mjs')
const folder = new URL('cases/', import.meta.url)
for (const file of readdirSync(folder).sort()) await import(new URL(file, folder))

const suite = process.env.SUITE ?? 'ts'
const filter = new RegExp(process.env.CASE_FILTER ?? '')
const CASE_SECONDS = 120

async function judge(run) {
  let timer
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error(`no end after ${CASE_SECONDS} s`)), CASE_SECONDS * 1000)
  })
  try {
    await Promise.race([run(), late])
    return 'PASS'
  } catch (error) {
    const answer = error.response ? ` ${error.response.status} ${JSON.stringify(error.response.data)}` : ''
    // What the SDK appends to its message from the second line on is the request, not the answer.
    const message = error.name === 'InvalidMessageError' ? error.message.split('\n')[0] : error.message
    const reason = `${error.name}: ${message}${answer}`.replace(/\s+/g, ' ').slice(0, 300)
    return error instanceof Skipped ? ['SKIP', error.message] : ['FAIL', reason]
  } finally {
    clearTimeout(timer)
  }
}

let failed = 0
for (const [name, run] of cases) {
  if (!filter.test(name)) continue
  const [verdict, reason] = [].concat(await judge(run))
  if (verdict === 'FAIL') failed += 1
  process.stdout.write(`${verdict} ${suite}::${name}${reason ? `  # ${reason}` : ''}\n`)
}
process.exit(failed ? 1 : 0)
