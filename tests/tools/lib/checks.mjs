// What the clients in JavaScript share: checks that go on after a failure, the server's address, programs of a package, the end.

import { deepStrictEqual } from 'node:assert'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const { PGHOST, PGPORT, PGUSER, PGDATABASE } = process.env
export const server = { host: PGHOST, port: Number(PGPORT), user: PGUSER, database: PGDATABASE }
export const url = `postgres://${PGUSER}@${PGHOST}:${PGPORT}/${PGDATABASE}`

let checks = 0
const failures = []
const show = (value) => JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? `${one}n` : one))

// A failure, after which the test goes on.
export const failed = (sentence) => failures.push(sentence)

export const check = (what, got, wanted) => {
  checks += 1
  try {
    deepStrictEqual(got, wanted)
  } catch {
    failed(`${what}: wanted ${show(wanted)}, got ${show(got)}`)
  }
}
export const holds = (what, condition) => check(what, condition, true)

// The SQLSTATE, wherever a library keeps it, or the message.
const code = (error) => error.code ?? error.cause?.code ?? error.parent?.code ?? error.driverError?.code ?? error.message

// What is running must fail with the SQLSTATE.
export const fails = async (what, running, wanted) => {
  try {
    await running
  } catch (error) {
    return check(what, code(error), wanted)
  }
  failed(`${what}: wanted ${wanted}, but it succeeds`)
}

// What a program of an installed package says, whether it succeeds or not.
export const program = async (name, words, options) => {
  const { stdout = '', stderr = '' } = await promisify(execFile)(`node_modules/.bin/${name}`, words, options).catch((error) => error)
  return { stdout, stderr, said: stdout + stderr }
}

// Runs all parts, of which one may fail; tells the failures, or `ok` and the number of checks, and sets the exit code.
export const run = async (parts, end) => {
  for (const [name, part] of Object.entries(parts)) {
    try {
      await part()
    } catch (error) {
      failed(`${name} ended with ${code(error)} ${error.message} ${error.cause?.message ?? ''}`)
    }
  }
  await end()
  for (const sentence of failures) console.error(sentence)
  if (failures.length === 0) console.log(`ok checks=${checks}`)
  process.exitCode = failures.length === 0 ? 0 : 1
}
