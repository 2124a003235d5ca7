// postgres.js as its users write it.
//
//   node client.mjs types.sql

import { readFileSync } from 'node:fs'
import postgres from 'postgres'
import { check, fails, holds, run, url } from '../lib/checks.mjs'

const plain = (rows) => rows.map((row) => ({ ...row }))
const sql = postgres({ max: 4, onnotice: () => {} })
const types = readFileSync(process.argv[2], 'utf8')

const parts = {
  async values() {
    for (const simple of [false, true]) {
      const query = sql.unsafe(types)
      const rows = await (simple ? query.simple() : query)
      check('column types', rows.columns.map((one) => one.type), [16, 21, 23, 20, 700, 701, 701, 701, 1700, 1700, 25, 25, 17, 1082, 1083, 1114, 1184, 1186, 1007, 1009, 1182])
      const [row, nulls] = plain(rows)
      check('bytes', [...row.bytes], [0, 255, 16])
      check('instant', row.instant.toISOString(), '2024-02-29T13:14:15.123Z')
      check('day', row.day.toISOString(), '2024-02-29T00:00:00.000Z')
      check('local', [row.local.getFullYear(), row.local.getMonth(), row.local.getSeconds()], [2023, 11, 59])
      check('days', row.days[0].toISOString(), '2024-02-29T00:00:00.000Z')
      for (const name of ['bytes', 'instant', 'day', 'local', 'days']) delete row[name]
      // The library does not know a NULL within an array.
      check('values', row, {
        boolean: true, int2: -32768, int4: -2147483648, int8: '9223372036854775807', float4: 1.5, float8: 0.1, not_a_number: NaN, infinite: -Infinity,
        decimal: '12345.6789', wide_decimal: '-12345678901234567890123456789012345678901234567890.1234567890', words: 'é "x" \'y\'', no_words: '',
        clock: '13:14:15.123456', span: '1 mon 2 days 03:04:05.678', integers: [1, 2, NaN], texts: ['a', 'b"c', 'NULL', ''],
      })
      check('NULLs', new Set(Object.values(nulls)), new Set([null]))
    }
    const big = postgres({ max: 1, types: { bigint: postgres.BigInt } })
    check('a bigint as BigInt', (await big`SELECT max(volume) > 0 AS some, 9223372036854775807::bigint AS most FROM eod`)[0].most, 9223372036854775807n)
    await big.end()
    const camel = postgres({ max: 1, transform: postgres.camel })
    check('names in camel case', Object.keys((await camel`SELECT fetched_at, open_interest FROM eod LIMIT 1`)[0]), ['fetchedAt', 'openInterest'])
    await camel.end()
  },

  // The types of arrays come from pg_type by a statement of the library's own.
  async arrays() {
    const [row] = await sql`SELECT ${['a', '', 'b"c']}::text[] AS texts, ${[1, 2]}::int[] AS numbers, ${sql.array([1.5, 2])}::float8[] AS floats, ${sql.array(['2024-02-29'], 1082)} AS days`
    check('arrays', { ...row, days: row.days[0].toISOString() }, { texts: ['a', '', 'b"c'], numbers: [1, 2], floats: [1.5, 2], days: '2024-02-29T00:00:00.000Z' })
    check('a nested array', (await sql`SELECT ARRAY[[1, 2], [3, 4]]::int[] AS a`)[0].a, [[1, 2], [3, 4]])
    check('lists of SPY', plain(await sql`SELECT lists, active FROM symbols WHERE symbol = 'SPY'`), [{ lists: ['etf'], active: true }])
    check('arrays that contain', (await sql`SELECT symbol FROM symbols WHERE lists @> ${['etf']} AND symbol = 'SPY'`).map((one) => one.symbol), ['SPY'])
  },

  async parameters() {
    for (const symbol of ['AAPL', 'MSFT', 'SPY', 'AAPL']) {
      const rows = await sql`SELECT symbol, date, close, volume, open_interest FROM eod WHERE symbol = ${symbol} AND date >= ${new Date('2026-01-02')} AND close > ${1.5} ORDER BY date LIMIT ${3}`
      check(`bars of ${symbol}`, rows.map((row) => [row.symbol, row.date instanceof Date, typeof row.close, typeof row.volume, row.open_interest]), Array(3).fill([symbol, true, 'number', 'string', null]))
    }
    const symbols = ['SPY', 'AAPL', 'nosuch']
    check('a list of IN', (await sql`SELECT symbol FROM symbols WHERE symbol IN ${sql(symbols)} ORDER BY 1`).map((row) => row.symbol), ['AAPL', 'SPY'])
    check('a list of ANY', (await sql`SELECT symbol FROM symbols WHERE symbol = ANY(${symbols}) ORDER BY 1`).map((row) => row.symbol), ['AAPL', 'SPY'])
    const columns = ['symbol', 'close']
    const after = sql`AND date > ${'2026-01-01'}`
    check('chosen columns and a fragment', Object.keys((await sql`SELECT ${sql(columns)} FROM ${sql('eod')} WHERE symbol = ${'SPY'} ${after} LIMIT 1`)[0]), columns)
    const at = new Date('2024-07-01T12:00:00.123Z')
    const [row] = await sql`SELECT ${7}::int AS a, ${"it's"}::text AS b, ${at}::timestamptz AS c, ${Buffer.from([0, 1])}::bytea AS d, ${0.5}::float8 AS e, ${null}::boolean AS f, ${'12.75'}::numeric AS g, ${9007199254740993n}::bigint AS h`
    check('values of parameters', { ...row, d: [...row.d] }, { a: 7, b: "it's", c: at, d: [0, 1], e: 0.5, f: null, g: '12.75', h: '9007199254740993' })
    check('documents', plain(await sql`SELECT ${{ x: [1, null] }}::jsonb AS i, ${sql.json([1])}::json AS j`.catch((error) => [{ error: error.message }])), [{ i: { x: [1, null] }, j: [1] }])
    check('rows of VALUES', plain(await sql`SELECT a::int, b FROM (VALUES ${sql([[1, 'x'], [2, 'y']])}) AS t (a, b) ORDER BY a`), [{ a: 1, b: 'x' }, { a: 2, b: 'y' }])
    check('unsafe with parameters', plain(await sql.unsafe('SELECT $1::int + $2::int AS n', [1, 2], { prepare: true })), [{ n: 3 }])
    check('rows as arrays', [...(await sql`SELECT 1::int AS a, 2::int AS a`.values())], [[1, 2]])
    check('raw bytes', (await sql`SELECT 'xyz' AS a`.raw())[0][0].toString(), 'xyz')
    const unprepared = postgres({ max: 1, prepare: false })
    check('without prepared statements', plain(await unprepared`SELECT count(*)::int AS n FROM symbols WHERE symbol = ${'SPY'}`), [{ n: 1 }])
    await unprepared.end()
  },

  async simple() {
    const sets = await sql`SELECT 1::int AS a; SELECT 2::int AS b, 'x' AS c`.simple()
    check('several statements', sets.map(plain), [[{ a: 1 }], [{ b: 2, c: 'x' }]])
    check('the command', [sets[0].command, sets[0].count], ['SELECT', 1])
  },

  async describe() {
    const { string, types, columns } = await sql`SELECT symbol, date, close, lists FROM eod JOIN symbols USING (symbol) WHERE symbol = ${'SPY'} AND date > ${'2026-01-01'} AND close < ${1} AND volume > ${1}`.describe()
    check('the statement', string.includes('symbol = $1'), true)
    check('types of parameters', types, [25, 1082, 701, 20])
    check('columns', columns.map((one) => [one.name, one.type]), [['symbol', 25], ['date', 1082], ['close', 701], ['lists', 1009]])
    holds('columns name their table', columns[2].table > 0 && columns[2].number === 6)
  },

  async cursors() {
    const total = Number((await sql`SELECT count(*) FROM eod`)[0].count)
    let read = 0
    let sizes = new Set()
    for await (const rows of sql`SELECT symbol, date, close FROM eod`.cursor(20000)) {
      read += rows.length
      sizes.add(rows.length)
    }
    check('rows of a cursor', read, total)
    check('sizes of its parts', [...sizes], [20000, total % 20000])
    let first = 0
    await sql`SELECT symbol FROM eod WHERE symbol > ${''}`.cursor(10, (rows) => {
      first += rows.length
      if (first === 30) return sql.CLOSE
    })
    check('a cursor that is left', first, 30)
    let each = 0
    await sql`SELECT symbol FROM symbols`.forEach((row) => (each += row.symbol.length > 0))
    check('forEach', each, Number((await sql`SELECT count(*) FROM symbols`)[0].count))
    let quotes = []
    for await (const [quote] of sql`SELECT symbol, bid, ask FROM live.quotes WHERE symbol = ${'SPY'}`.cursor()) {
      quotes.push([quote.symbol, quote.bid < quote.ask])
      if (quotes.length === 3) break
    }
    check('live quotes', quotes, Array(3).fill(['SPY', true]))
  },

  async copy() {
    const text = async (query) => {
      let got = ''
      for await (const chunk of await query.readable()) got += chunk
      return got
    }
    const rows = await sql`SELECT symbol, close FROM eod WHERE symbol = 'AAPL' ORDER BY date LIMIT 3`
    check('COPY TO', await text(sql`COPY (SELECT symbol, close FROM eod WHERE symbol = 'AAPL' ORDER BY date LIMIT 3) TO STDOUT`), rows.map((row) => `${row.symbol}\t${row.close}\n`).join(''))
    const lines = (await text(sql`COPY eod (symbol, date) TO STDOUT (FORMAT csv, HEADER)`)).split('\n').length - 2
    check('COPY of a table', lines, Number((await sql`SELECT count(*) FROM eod`)[0].count))
    const own = await sql.reserve()
    await own`CREATE TEMP TABLE copied (n int PRIMARY KEY, word text, at timestamptz)`
    const into = await own`COPY copied (n, word, at) FROM STDIN`.writable()
    await new Promise((resolve, reject) => {
      into.on('error', reject)
      into.on('finish', resolve)
      for (let n = 0; n < 1000; n++) into.write(`${n}\t${n % 10 ? `w${n}` : '\\N'}\t2024-02-29 12:00:00+00\n`)
      into.end()
    })
    check('COPY FROM', plain(await own`SELECT count(*)::int AS n, count(word)::int AS words, min(at) AS at FROM copied`), [{ n: 1000, words: 900, at: new Date('2024-02-29T12:00:00Z') }])
    await own`DROP TABLE copied`
    own.release()
  },

  async transactions() {
    const found = await sql.begin(async (tx) => {
      await tx`CREATE TEMP TABLE kept (id int PRIMARY KEY, name text NOT NULL, price numeric(10, 2)) ON COMMIT DROP`
      await tx`INSERT INTO kept ${tx([{ id: 1, name: 'one', price: '1.50' }, { id: 2, name: 'two', price: null }])}`
      await tx.savepoint(async (inner) => {
        await inner`INSERT INTO kept ${inner({ id: 3, name: 'three', price: 3 }, 'id', 'name', 'price')}`
        await inner`INSERT INTO kept VALUES (1, 'again')`
      }).catch((error) => check('a key twice', [error.code, error.constraint_name, error.table_name], ['23505', 'kept_pkey', 'kept']))
      const changed = await tx`UPDATE kept SET ${tx({ name: 'TWO', price: '2.25' }, 'name', 'price')} WHERE id = ${2}`
      check('rows changed', [changed.command, changed.count], ['UPDATE', 1])
      await tx`UPDATE kept SET name = d.name FROM (VALUES ${tx([[1, 'ONE']])}) AS d (id, name) WHERE kept.id = d.id::int`
      return tx`SELECT * FROM kept ORDER BY id`
    })
    check('rows of a transaction', plain(found), [{ id: 1, name: 'ONE', price: '1.50' }, { id: 2, name: 'TWO', price: '2.25' }])
    await fails('it is gone with the transaction', sql`SELECT * FROM kept`, '42P01')
    await fails('an error within', sql.begin((tx) => tx`SELECT 1 / 0`), '22012')
    check('read only', (await sql.begin('READ ONLY', (tx) => tx`SHOW transaction_read_only`))[0].transaction_read_only, 'on')
    check('isolation', (await sql.begin('ISOLATION LEVEL REPEATABLE READ', (tx) => tx`SELECT current_setting('transaction_isolation') AS level`))[0].level, 'repeatable read')
    check('several at once', (await sql.begin((tx) => [tx`SELECT 1::int AS n`, tx`SELECT 2::int AS n`])).map((rows) => rows[0].n), [1, 2])
    await fails('two phases', sql.begin((tx) => tx.prepare('tx1')), '55000')
  },

  async failures() {
    await fails('syntax', sql`SELEC 1`, '42601')
    await fails('table', sql`SELECT * FROM nosuch`, '42P01')
    await fails('column', sql`SELECT nosuch FROM eod WHERE symbol = ${'SPY'}`, '42703')
    await fails('zero', sql`SELECT 1 / ${0}::int`, '22012')
    await fails('not a number', sql`SELECT ${'abc'}::int`, '22P02')
    await fails('a write', sql`INSERT INTO eod ${sql({ symbol: 'X', date: '2024-01-01' })}`, '25006')
    const error = await sql`SELECT nosuch FROM eod`.catch((one) => one)
    check('its parts', [error.severity, error.position, error.name, error.query], ['ERROR', '8', 'PostgresError', 'SELECT nosuch FROM eod'])
    const running = sql`SELECT pg_sleep(30)`
    setTimeout(() => running.cancel(), 300)
    await fails('cancelled', running, '57014')
    const limited = postgres({ max: 1, fetch_types: false, connection: { statement_timeout: 300, application_name: 'limited', TimeZone: 'America/New_York' } })
    await fails('out of time', limited`SELECT pg_sleep(30)`, '57014')
    check('settings of a connection', plain(await limited`SELECT current_setting('application_name') AS a, current_setting('TimeZone') AS b, current_setting('statement_timeout') AS c`), [{ a: 'limited', b: 'America/New_York', c: '300ms' }])
    await limited.end()
    const nowhere = postgres({ max: 1, database: 'nosuch' })
    await fails('another database', nowhere`SELECT 1`, '3D000')
    await nowhere.end()
  },

  // Nobody notifies here: LISTEN, and a subscription to changes, are refused in words.
  async refused() {
    await fails('notify', sql.notify('news', 'x'), '0A000')
    const other = postgres({ max: 1 })
    await fails('listen', other.listen('news', () => {}), '0A000')
    await other.end({ timeout: 1 })
  },

  async concurrent() {
    const numbers = await Promise.all(Array.from({ length: 100 }, (_, n) => sql`SELECT ${n}::int AS n`))
    check('a hundred at once', numbers.map(([row]) => row.n), Array.from({ length: 100 }, (_, n) => n))
    const addressed = postgres(`${url}?search_path=public&application_name=by_url`)
    check('an address', (await addressed`SHOW application_name`)[0].application_name, 'by_url')
    await addressed.end()
    const typed = postgres({ max: 1, target_session_attrs: 'read-only' })
    check('a server that only reads', (await typed`SELECT 1::int AS n`)[0].n, 1)
    await typed.end()
    const plan = (await sql`EXPLAIN (FORMAT JSON) SELECT * FROM eod WHERE symbol = ${'SPY'}`)[0]['QUERY PLAN']
    check('a plan', typeof plan[0].Plan?.['Total Cost'], 'number')
  },
}

await run(parts, () => sql.end({ timeout: 2 }))
