// knex as its users write it.

import knex from 'knex'
import { check, fails, run, server } from '../lib/checks.mjs'

const db = knex({ client: 'pg', connection: server, pool: { min: 0, max: 3 } })

const parts = {
  async schema() {
    const columns = await db('eod').columnInfo()
    check('columns of eod', ['symbol', 'date', 'close', 'volume', 'fetched_at'].map((name) => [name, columns[name]?.type, columns[name]?.nullable]), [['symbol', 'text', false], ['date', 'date', false], ['close', 'double precision', true], ['volume', 'bigint', true], ['fetched_at', 'timestamp with time zone', false]])
    check('one column', (await db('symbols').columnInfo('lists')).type, 'ARRAY')
    check('a table is there', [await db.schema.hasTable('eod'), await db.schema.hasTable('nosuch'), await db.schema.hasColumn('eod', 'close'), await db.schema.withSchema('live').hasTable('quotes')], [true, false, true, true])
    await fails('a table of the lake', db.schema.createTable('fresh', (table) => table.integer('id')), '25006')
    await fails('a change of a table', db.schema.alterTable('eod', (table) => table.text('more')), '25006')
    await fails('migrations', db.migrate.latest({ migrationSource: { getMigrations: async () => ['one'], getMigrationName: (one) => one, getMigration: async () => ({ up: async () => {}, down: async () => {} }) } }), '25006')
  },

  async selects() {
    const found = await db('eod').select('symbol', 'date', 'close', 'volume', 'open_interest').where({ symbol: 'AAPL' }).andWhere('date', '>=', '2026-01-02').whereNull('open_interest').orderBy('date').limit(3)
    check('bars', found.map((row) => [row.symbol, row.date instanceof Date, typeof row.close, typeof row.volume, row.open_interest]), Array(3).fill(['AAPL', true, 'number', 'string', null]))
    check('a list', await db('symbols').whereIn('symbol', ['SPY', 'AAPL', 'nosuch']).orderBy('symbol').pluck('symbol'), ['AAPL', 'SPY'])
    check('pairs', (await db('eod').whereIn(['symbol', 'date'], [['SPY', '2026-01-05'], ['AAPL', '2026-01-06']]).orderBy('symbol').select('symbol')).length, 2)
    check('first', (await db('symbols').where('symbol', 'SPY').first('lists')).lists, ['etf'])
    const sums = await db('eod as e').join('symbols as s', 's.symbol', 'e.symbol').whereIn('s.symbol', ['SPY', 'AAPL']).groupBy('s.symbol').having(db.raw('count(*)'), '>', 10).select('s.symbol').count({ n: '*' }).max({ top: 'e.close' }).orderBy('s.symbol')
    check('sums', sums.map((row) => [row.symbol, Number(row.n) > 100, row.top > 0]), [['AAPL', true, true], ['SPY', true, true]])
    check('WITH', (await db.with('top', db('eod').select('symbol').max({ most: 'close' }).groupBy('symbol')).select('*').from('top').where('symbol', 'SPY')).length, 1)
    check('a window', (await db('eod').select('symbol').rowNumber('n', (over) => over.partitionBy('symbol').orderBy('date', 'desc')).where('symbol', 'SPY').limit(2)).map((row) => row.n), ['1', '2'])
    check('distinct on', (await db('eod').distinctOn('symbol').select('symbol', 'date').whereIn('symbol', ['SPY', 'AAPL']).orderBy([{ column: 'symbol' }, { column: 'date', order: 'desc' }])).map((row) => row.symbol), ['AAPL', 'SPY'])
    check('a union', (await db.union([db('symbols').select('symbol').where('symbol', 'SPY'), db('symbols').select('symbol').where('symbol', 'AAPL')]).orderBy('symbol')).map((row) => row.symbol), ['AAPL', 'SPY'])
    check('raw', (await db.raw('SELECT ?::int AS n, ?::text[] AS words, ?::date AS nothing', [7, ['a', null], null])).rows.map((row) => ({ ...row })), [{ n: 7, words: ['a', null], nothing: null }])
    check('named', (await db.raw('SELECT count(*)::int AS n FROM :table: WHERE symbol = :symbol', { table: 'symbols', symbol: 'SPY' })).rows[0].n, 1)
    check('another schema', (await db.withSchema('live').from('quotes').where('symbol', 'SPY').limit(2).select('symbol')).length, 2)
    const pathed = knex({ client: 'pg', connection: server, searchPath: ['live', 'public'] })
    check('a search path', (await pathed.raw('SHOW search_path')).rows[0].search_path.replaceAll('"', ''), 'live, public')
    await pathed.destroy()
  },

  async streams() {
    let read = 0
    for await (const _ of db('eod').select('symbol').stream({ batchSize: 5000 })) read += 1
    check('rows of a stream', read, Number((await db('eod').count({ n: '*' }))[0].n))
  },

  async transactions() {
    await db.transaction(async (tx) => {
      await tx.schema.raw('CREATE TEMP TABLE kept (id int PRIMARY KEY, name text NOT NULL, price numeric(10, 2), at timestamptz, tags text[]) ON COMMIT DROP')
      await tx('kept').insert([{ id: 1, name: 'one', price: '1.50', at: new Date('2024-02-29T12:00:00Z'), tags: ['a', 'b'] }, { id: 2, name: 'two' }])
      await fails('a key twice', tx.transaction((inner) => inner('kept').insert({ id: 1, name: 'again' })), '23505')
      check('rows changed', await tx('kept').where({ id: 2 }).update({ name: 'TWO' }), 1)
      await tx.batchInsert('kept', Array.from({ length: 500 }, (_, n) => ({ id: 10 + n, name: `w${n}` })), 100)
      check('rows', (await tx('kept').where('id', '<', 10).orderBy('id')).map((row) => ({ ...row })), [{ id: 1, name: 'one', price: '1.50', at: new Date('2024-02-29T12:00:00Z'), tags: ['a', 'b'] }, { id: 2, name: 'TWO', price: null, at: null, tags: null }])
      check('rows deleted', await tx('kept').where('id', '>=', 10).del(), 500)
    }, { isolationLevel: 'repeatable read' })
    await db.transaction(async (tx) => check('read only', (await tx.raw('SHOW transaction_read_only')).rows[0].transaction_read_only, 'on'), { readOnly: true })
    await db.transaction(async (tx) => {
      await tx.schema.createTable('made', (table) => { table.integer('id').primary(); table.decimal('price', 10, 2) }).catch((error) => check('a table without TEMP', error.code, '25006'))
    }).catch(() => {})
  },

  async failures() {
    await fails('a write', db('eod').update({ close: 1 }), '25006')
    await fails('a table', db('nosuch').select(), '42P01')
    await fails('a column', db('eod').select('nosuch'), '42703')
    await fails('out of time', db.raw('SELECT pg_sleep(30)').timeout(300, { cancel: true }), 'Defined query timeout of 300ms exceeded when running query.')
    const { rows } = await db.raw("SELECT count(*)::int AS n FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(30)%' AND state = 'active'")
    check('the statement was cancelled', rows[0].n, 0)
  },
}

await run(parts, () => db.destroy())
process.exit()
