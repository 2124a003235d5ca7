// node-postgres, with cursors and streams: values of every type, parameters, cancel, errors, a pool.
//
//   npm install --no-package-lock && node client.mjs types.sql
//
// The server's address comes from PGHOST, PGPORT, PGUSER and PGDATABASE. Prints `ok` and the number of checks.

import { deepStrictEqual } from 'node:assert'
import { readFileSync } from 'node:fs'
import pg from 'pg'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'

let checks = 0
const check = (what, got, wanted) => {
  checks += 1
  deepStrictEqual(got, wanted, `${what}: wanted ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`)
}

const fails = async (what, running, code) => {
  try {
    await running
  } catch (error) {
    return check(what, error.code, code)
  }
  throw new Error(`${what} succeeds`)
}

const OIDS = [16, 21, 23, 20, 700, 701, 701, 701, 1700, 1700, 25, 25, 17, 1082, 1083, 1114, 1184, 1186, 1007, 1009, 1182]

async function types(client, sql) {
  const { rows, fields } = await client.query(sql)
  check('types', fields.map((field) => field.dataTypeID), OIDS)
  const [row, nulls] = rows
  check('interval', { ...row.span }, { months: 1, days: 2, hours: 3, minutes: 4, seconds: 5, milliseconds: 678 })
  check('bytes', [...row.bytes], [0, 255, 16])
  check('instant', row.instant.toISOString(), '2024-02-29T13:14:15.123Z')
  check('local', [row.local.getFullYear(), row.local.getHours(), row.local.getMilliseconds()], [2023, 23, 999])
  check('date', [row.day.getFullYear(), row.day.getMonth(), row.day.getDate()], [2024, 1, 29])
  for (const name of ['span', 'bytes', 'instant', 'local', 'day', 'days']) delete row[name]
  check('values', { ...row }, {
    boolean: true,
    int2: -32768,
    int4: -2147483648,
    int8: '9223372036854775807',
    float4: 1.5,
    float8: 0.1,
    not_a_number: NaN,
    infinite: -Infinity,
    decimal: '12345.6789',
    wide_decimal: '-12345678901234567890123456789012345678901234567890.1234567890',
    words: 'é "x" \'y\'',
    no_words: '',
    clock: '13:14:15.123456',
    integers: [1, 2, null],
    texts: ['a', 'b"c', null, ''],
  })
  check('NULLs', new Set(Object.values(nulls)), new Set([null]))
  const binary = await client.query({ text: "SELECT 7::int AS n, 1.25::float8 AS x, true AS t, 'é' AS s, NULL::int AS nothing", binary: true })
  check('values in binary', { ...binary.rows[0] }, { n: 7, x: 1.25, t: true, s: 'é', nothing: null })
  const json = await client.query("SELECT named_struct('a', 1, 'b', 'x') AS record, map(make_array('k'), make_array(2)) AS entries")
  check('records and maps', { ...json.rows[0] }, { record: '(1,x)', entries: { k: 2 } })
}

async function parameters(client) {
  const named = { name: 'bars', text: 'SELECT symbol, close FROM eod WHERE symbol = $1 AND date >= $2 ORDER BY date LIMIT $3' }
  for (const symbol of ['AAPL', 'MSFT', 'SPY']) {
    const { rows } = await client.query({ ...named, values: [symbol, '2026-01-02', 3] })
    check(`bars of ${symbol}`, rows.map((row) => [row.symbol, typeof row.close]), Array(3).fill([symbol, 'number']))
  }
  const sql = 'SELECT $1::int AS a, $2::text AS b, $3::text[] AS c, $4::timestamptz AS d, $5::bytea AS e, $6::float8 AS f, $7::boolean AS g'
  const at = new Date('2024-07-01T12:00:00Z')
  const { rows } = await client.query(sql, [1, "it's", ['x', null], at, Buffer.from([0, 1]), 0.5, null])
  check('values', { ...rows[0], e: [...rows[0].e] }, { a: 1, b: "it's", c: ['x', null], d: at, e: [0, 1], f: 0.5, g: null })
  const listed = await client.query('SELECT symbol FROM symbols WHERE symbol = ANY($1) ORDER BY 1', [['SPY', 'AAPL']])
  check('a list', listed.rows.map((row) => row.symbol), ['AAPL', 'SPY'])
  const several = await client.query('SELECT 1::int AS a; SELECT 2::int AS b')
  check('several statements', several.map((one) => ({ ...one.rows[0] })), [{ a: 1 }, { b: 2 }])
  const { rows: twice } = await client.query({ text: 'SELECT 1::int AS a, 2::int AS a', rowMode: 'array' })
  check('two columns of one name', twice, [[1, 2]])
}

async function streams(client) {
  const total = Number((await client.query('SELECT count(*) FROM eod')).rows[0].count)
  const cursor = client.query(new Cursor('SELECT symbol FROM eod'))
  let read = 0
  for (let rows = await cursor.read(5000); rows.length > 0; rows = await cursor.read(5000)) read += rows.length
  await cursor.close()
  check('rows of a cursor', read, total)
  let streamed = 0
  for await (const _ of client.query(new QueryStream('SELECT symbol FROM eod WHERE symbol > $1', ['']))) streamed += 1
  check('rows of a stream', streamed, total)
  let quotes = 0
  for await (const quote of client.query(new QueryStream("SELECT symbol, bid FROM live.quotes WHERE symbol = 'SPY'", [], { batchSize: 1 }))) {
    check('a quote', [quote.symbol, typeof quote.bid], ['SPY', 'number'])
    if (++quotes === 3) break
  }
  check('the connection goes on', (await client.query('SELECT 1::int AS one')).rows[0].one, 1)
}

async function failures(client) {
  await fails('syntax', client.query('SELEC 1'), '42601')
  await fails('table', client.query('SELECT * FROM nosuch'), '42P01')
  await fails('column', client.query('SELECT nosuch FROM eod WHERE symbol = $1', ['SPY']), '42703')
  await fails('zero', client.query('SELECT 1 / $1::int', [0]), '22012')
  await fails('a write', client.query('UPDATE eod SET close = 1'), '25006')
  await client.query("SET statement_timeout = '200ms'")
  await fails('out of time', client.query('SELECT pg_sleep(30)'), '57014')
  await client.query('RESET ALL')
  const { rows } = await client.query('SELECT pg_backend_pid() AS pid')
  check('pid', rows[0].pid, client.processID)
}

const sql = readFileSync(process.argv[2], 'utf8')
const client = new pg.Client()
await client.connect()
for (const part of [() => types(client, sql), () => parameters(client), () => streams(client), () => failures(client)]) await part()
await client.end()

const pool = new pg.Pool({ max: 4 })
const found = await Promise.all(Array.from({ length: 20 }, (_, n) => pool.query('SELECT $1::int AS n', [n])))
check('a pool', found.map((one) => one.rows[0].n), Array.from({ length: 20 }, (_, n) => n))
await pool.end()
console.log(`ok checks=${checks}`)
